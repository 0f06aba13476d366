/**
 * An operator finds out why a run stands still, or why it ended short, from its run and the log at the default level. The
 * cases of providers and workers are in runs.test.ts.
 */
import { expect, onTestFinished, test } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { startMcpServer, textResult } from "../support/mcp-server.ts";
import { pollUntil } from "../support/poll-until.ts";
import { type ServerProcess, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServer } from "../support/test-server.ts";
import { scriptSteps } from "../support/tool-runs.ts";

const environment = {
  KEY_PREFIX: uniquePrefix(),
  FETCH_ALLOWED_HOSTS: "127.0.0.1",
  OPENAI_BASE_URL: "http://127.0.0.1:9",
};
const { api } = await openTestServer(environment);

const read = async (id: string): Promise<Run> => (await send<Run>("GET", `${api.url}/responses/${id}/run`)).body;
const cancel = async (id: string) => await send("POST", `${api.url}/responses/${id}/cancel`);

async function openWorker(settings: Record<string, string> = {}): Promise<ServerProcess> {
  const worker = await startWorker({ ...environment, ...settings });
  onTestFinished(async () => await worker[Symbol.asyncDispose]());
  return worker;
}

async function untilStep(id: string, type: Run["step"]["type"]): Promise<Run> {
  return await pollUntil(
    async () => await read(id),
    (run) => run.step.type === type,
  );
}

test("an MCP server that hangs is the running tool", async () => {
  const worker = await openWorker({ MCP_CALL_TIMEOUT_MS: "1500" });
  await using server = await startMcpServer({ tools: { hang: { run: async () => await new Promise(() => {}) } } });
  const tools = [{ type: "mcp", server_label: "lab", server_url: server.url, require_approval: "never" }];
  const metadata = scriptSteps({ call: "lab__hang", arguments: { x: 1 } });
  const { id } = await create(api.url, { ...simulate({}), metadata, tools });
  const run = await untilStep(id, "running_tools");
  expect(run.step).toMatchObject({ tools: [{ type: "mcp", name: "lab__hang" }] });
  await pollToEnd(api.url, id);
  expect((await read(id)).tool_calls).toEqual({ mcp: { completed: 0, failed: 1 } });
  const line = await worker.line(({ msg }) => msg === "Tool call failed", "the failed call");
  expect(line).toMatchObject({ responseId: id, tool: "mcp", name: "lab__hang", level: 30 });
  expect(line["reason"]).toMatch(/timed out|no answer/i);
});

test("a tool call that works is counted", async () => {
  await openWorker();
  await using server = await startMcpServer({ tools: { look: { run: () => textResult("seen") } } });
  const tools = [{ type: "mcp", server_label: "lab", server_url: server.url, require_approval: "never" }];
  const metadata = scriptSteps({ call: "lab__look", arguments: { x: 1 } });
  const { id } = await create(api.url, { ...simulate({}), metadata, tools });
  await pollToEnd(api.url, id);
  expect(await read(id)).toMatchObject({ tool_calls: { mcp: { completed: 1, failed: 0 } }, turn_count: 2 });
});

test("a model that no worker has is named", async () => {
  // The tests' API process has this provider, and the worker lacks it.
  const worker = await openWorker({ OPENAI_BASE_URL: "" });
  const { id } = await create(api.url, { model: "openai/m", input: "Hi", background: true });
  const reason = "The model 'openai/m' is not configured any more.";
  const run = await untilStep(id, "waiting_for_configuration");
  expect(run).toMatchObject({ step: { reason }, attempts: [{ end: "left_to_others", reason }] });
  // Each try of this worker is an attempt, and the wait counts from the first.
  const since = run.step.type === "waiting_for_configuration" ? run.step.since_ms : 0;
  const later = await pollUntil(
    async () => await read(id),
    (each) => each.step.type === "waiting_for_configuration" && each.attempts.length >= 3,
  );
  expect(later.step).toMatchObject({ since_ms: since });
  await worker.line(({ msg, responseId }) => msg === "Left to a worker that can run it" && responseId === id, "why");
  await cancel(id);
});

test("a spent budget is the reason of an incomplete answer", async () => {
  const worker = await openWorker();
  const { id } = await create(api.url, simulate({ tokens: 100, delay_ms: 0 }, { max_output_tokens: 16 }));
  await pollToEnd(api.url, id);
  expect(await read(id)).toMatchObject({ status: "incomplete", error: { code: "max_output_tokens" } });
  const line = await worker.line(({ msg, responseId }) => msg === "Response ended" && responseId === id, "the end");
  expect(line).toMatchObject({ status: "incomplete", code: "max_output_tokens" });
});
