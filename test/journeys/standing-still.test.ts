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
import { answerError, neverAnswer, startUpstreamServer } from "../support/upstream-server.ts";
import { openTestServer } from "../support/test-server.ts";
import { scriptSteps } from "../support/tool-runs.ts";

const environment = {
  KEY_PREFIX: uniquePrefix(),
  FETCH_ALLOWED_HOSTS: "127.0.0.1",
  OPENAI_BASE_URL: "http://127.0.0.1:9",
};
const { api } = await openTestServer(environment);
/** The default of UNKNOWN_MODEL_WAIT_SECONDS. */
const WAIT_MS = 60_000;

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
  const { step } = await pollUntil(
    async () => await read(id),
    (run) => run.step.type === "running_tools" && run.step.tools[0]?.type === "mcp",
  );
  expect(step).toMatchObject({ tools: [{ name: "lab__hang" }] });
  await pollToEnd(api.url, id);
  expect((await read(id)).tool_calls).toEqual({ mcp: { completed: 0, failed: 1 } });
  const line = await worker.line(({ msg }) => msg === "Tool call failed", "the failed call");
  expect(line).toMatchObject({ responseId: id, tool: "mcp", name: "lab__hang", level: 30 });
  expect(line["reason"]).toMatch(/timed out|no answer/i);
});

test("an MCP server that does not list its tools is the step", async () => {
  await openWorker();
  await using silent = await startUpstreamServer(neverAnswer);
  const tools = [{ type: "mcp", server_label: "dead", server_url: silent.url }];
  const { id } = await create(api.url, { ...simulate({}), tools });
  const { step } = await untilStep(id, "running_tools");
  expect(step).toMatchObject({ tools: [{ type: "mcp_list_tools", name: "dead" }] });
  await cancel(id);
});

test("a tool list that cannot be read is counted as failed", async () => {
  await openWorker();
  await using broken = await startUpstreamServer(answerError(500, { error: { message: "Broken." } }));
  const tools = [{ type: "mcp", server_label: "dead", server_url: broken.url }];
  const { id } = await create(api.url, { ...simulate({}), tools });
  await pollToEnd(api.url, id);
  expect((await read(id)).tool_calls).toEqual({ mcp_list_tools: { completed: 0, failed: 1 } });
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
  const reason = "The model 'openai/m' is not configured.";
  const first = await untilStep(id, "waiting_for_configuration");
  const { since_ms } = first.step;
  const run = await pollUntil(
    async () => await read(id),
    ({ step, attempts }) => step.type === "waiting_for_configuration" && (attempts[0]?.count ?? 0) >= 3,
  );
  expect(run.step).toEqual({ type: "waiting_for_configuration", since_ms, until_ms: since_ms + WAIT_MS, reason });
  expect(run.attempts).toMatchObject([
    { end: "left_to_others", reason, started_at_ms: first.attempts[0]!.started_at_ms },
  ]);
  await worker.line(({ msg, responseId }) => msg === "Left to a worker that can run it" && responseId === id, "why");
  expect(worker.lines.filter(({ msg, responseId }) => msg === "Attempt started" && responseId === id)).toHaveLength(1);
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
