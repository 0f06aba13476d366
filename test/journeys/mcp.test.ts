/** MCP servers with real processes: how a client's secrets are kept, and approvals over a chain. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { OutputItem } from "../../src/protocol/item.ts";
import { create, pollToEnd, send } from "../support/api-client.ts";
import { describeItems } from "../support/mcp-runs.ts";
import { startMcpServer, type TestMcpServer, textResult } from "../support/mcp-server.ts";
import { pollUntil } from "../support/poll-until.ts";
import { startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { isAlive, stubbornServer } from "../support/stubborn-server.ts";
import { openTestServer } from "../support/test-server.ts";
import { scriptSteps } from "../support/tool-runs.ts";

const prefix = uniquePrefix();
const environment = { KEY_PREFIX: prefix, FETCH_ALLOWED_HOSTS: "127.0.0.1", LOG_LEVEL: "trace", STRICT_EVENTS: "true" };
const { api, inspector } = await openTestServer(environment);

const call = (name: string, x: number | string) => ({ call: `srv__${name}`, arguments: { x } });

function request(server: TestMcpServer, metadata: Record<string, string>, fields: object = {}) {
  const tool = { type: "mcp", server_label: "srv", server_url: server.url, require_approval: "never", ...fields };
  return { model: "simulator/default", input: "Go on.", background: true, metadata, tools: [tool] };
}

describe("a client's secrets", () => {
  const TOKEN = "planted-token-4d1f0b";
  const HEADER = "planted-header-9c27aa";
  const secrets = { authorization: TOKEN, headers: { "X-Key": HEADER } };

  test("reach the server, and appear nowhere in Redis, logs, events, items or errors", async () => {
    await using server = await startMcpServer({
      tools: {
        look: { annotations: { readOnlyHint: true }, run: () => textResult("seen") },
        fail: {
          run: () => {
            throw new Error(`Not with ${TOKEN} or ${HEADER}`);
          },
        },
      },
    });
    await using worker = await startWorker(environment);
    const body = request(server, scriptSteps([call("look", 1), call("fail", 2)]), secrets);
    const created = await send("POST", `${api.url}/responses`, body, { "Idempotency-Key": "once" });
    const waiting = await inspector.dumpAll();
    const { id } = created.body;
    const response = await pollToEnd(api.url, id);
    expect(describeItems(response.output)).toEqual([
      "list look,fail",
      "look completed: seen",
      expect.stringMatching(/^fail failed: .*Not with <redacted> or <redacted>/),
      "message",
    ]);
    expect(server.headers[0]).toMatchObject({ authorization: `Bearer ${TOKEN}`, "x-key": HEADER });
    // A server that rejects the call and repeats its secrets.
    await using rude = await startMcpServer({
      intercept: (message, answer) => {
        answer.writeHead(401).end(JSON.stringify(message.headers));
        return true;
      },
    });
    const called = await create(api.url, request(rude, scriptSteps(), secrets));
    const second = await pollToEnd(api.url, called.id);
    expect(describeItems(second.output)[0]).toContain("HTTP status 401");
    const logs = [...api.lines, ...worker.lines].map((line) => JSON.stringify(line));
    const answers = JSON.stringify([created.body, response, second]);
    for (const text of [waiting, await inspector.dumpAll(), logs.join("\n"), answers]) {
      expect(text).not.toContain(TOKEN);
      expect(text).not.toContain(HEADER);
    }
    expect(logs.length).toBeGreaterThan(0);
    expect(waiting).toContain("brs1.");
  });

  test("are rejected in items, which are stored and listed as sent", async () => {
    const tool = { type: "mcp", server_label: "test", server_url: "https://a.example/", ...secrets };
    const items = [{ type: "additional_tools", role: "developer", tools: [tool] }];
    const asked = { model: "simulator/default", input: items };
    const conversation = await send<{ id: string }>("POST", `${api.url}/conversations`, {});
    for (const [path, body, name] of [
      ["responses", asked, "input"],
      ["responses/input_tokens", asked, "input"],
      ["responses/compact", asked, "input"],
      ["conversations", { items }, "items"],
      [`conversations/${conversation.body.id}/items`, { items }, "items"],
    ] as const) {
      const answer = await send<object>("POST", `${api.url}/${path}`, body);
      const param = `${name}[0].tools[0].authorization`;
      expect(answer).toMatchObject({ status: 400, body: { error: { param, code: "unsupported_value" } } });
      expect(JSON.stringify(answer.body)).not.toContain(TOKEN);
    }
    expect(await inspector.dumpAll()).not.toContain(TOKEN);
  });

  test("are not carried over to the next response", async () => {
    await using server = await startMcpServer();
    await using _worker = await startWorker(environment);
    const { id } = await create(api.url, request(server, scriptSteps(call("look", 1)), secrets));
    await pollToEnd(api.url, id);
    const next = request(server, scriptSteps(call("look", 2)));
    const { id: second } = await create(api.url, { ...next, previous_response_id: id });
    expect(describeItems((await pollToEnd(api.url, second)).output)).toEqual(["look completed: saw 2", "message"]);
    expect(server.headers[1]).not.toHaveProperty("authorization");
  });
});

test("a client approves a call of an earlier response, and denies another", async () => {
  await using server = await startMcpServer();
  await using _worker = await startWorker(environment);
  const ask = request(server, scriptSteps([call("change", 1), call("change", 2)]), { require_approval: "always" });
  const first = await pollToEnd(api.url, (await create(api.url, ask)).id);
  expect(describeItems(first.output)).toEqual(["list look,change", 'may I change {"x":1}', 'may I change {"x":2}']);
  const [, one, two] = first.output as readonly OutputItem[];
  const input = [
    { type: "mcp_approval_response", approval_request_id: one!.id, approve: true },
    { type: "mcp_approval_response", approval_request_id: two!.id, approve: false, reason: "once is enough" },
  ];
  const answer = { ...ask, input, metadata: scriptSteps(), previous_response_id: first.id };
  const second = await pollToEnd(api.url, (await create(api.url, answer)).id);
  expect(describeItems(second.output)).toEqual(["change completed: changed 1", "message"]);
  expect(second.output[0]).toMatchObject({ approval_request_id: one!.id });
  expect(server.begun).toEqual(["change 1"]);
});

test("an MCP server process exits with its killed worker", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mcp-"));
  const { file, pids } = await stubbornServer(folder);
  await using worker = await startWorker({ ...environment, MCP_SERVERS_FILE: file, PATH: process.env["PATH"]! });
  const tools = [{ type: "mcp", server_label: "srv" }];
  await create(api.url, { model: "simulator/default", input: "Go on.", background: true, tools });
  const [leader, child] = await pids();
  expect([leader, child].filter(isAlive)).toHaveLength(2);
  worker.kill("SIGKILL");
  await worker.exited;
  await pollUntil(
    () => isAlive(-leader),
    (isRunning) => !isRunning,
  );
  expect(isAlive(child)).toBe(false);
  await rm(folder, { recursive: true });
});
