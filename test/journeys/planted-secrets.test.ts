/**
 * Plants secrets of every size wherever a request or an operator may put one; every receiver repeats them in every
 * form. With real processes at the most verbose log level, no secret appears in Redis, logs, answers, events or errors.
 */
import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { create, pollToEnd, RedisInspector, send } from "../support/api-client.ts";
import { startMcpServer, textResult } from "../support/mcp-server.ts";
import { ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { SECRET_FORMS } from "../support/secret-forms.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";
import { scriptSteps } from "../support/tool-runs.ts";
import {
  completed,
  created,
  message,
  answerError,
  startUpstreamServer,
  stream,
  streamAndEnd,
} from "../support/upstream-server.ts";

const prefix = uniquePrefix();
const PROVIDER_KEY = "planted-provider-key-5e1f";
const environment = { KEY_PREFIX: prefix, FETCH_ALLOWED_HOSTS: "127.0.0.1", LOG_LEVEL: "trace", STRICT_EVENTS: "true" };
const { api, inspector, worker } = await openTestServerWithWorker(environment);

/** The part of each form that does not depend on the text before and after the secret. */
function traces(secret: string): string[] {
  const forms = Object.values(SECRET_FORMS).map((write) => write(secret));
  return [...new Set(forms)].map((form) => form.slice(6, -6)).filter(({ length }) => length >= 8);
}

async function everywhere(processes: readonly ServerProcess[], answers: readonly unknown[]): Promise<string> {
  const logs = processes.flatMap(({ lines }) => lines.map((line) => JSON.stringify(line)));
  return [await inspector.dumpAll(), ...logs, JSON.stringify(answers)].join("\n");
}

function expectNone(text: string, secrets: readonly string[]): void {
  for (const secret of secrets) {
    const found = traces(secret).filter((trace) => text.includes(trace));
    expect(found.map((trace) => trace.slice(0, 60))).toEqual([]);
  }
}

const ofLength = (name: string, length: number) => `${name}-${"q7Zt".repeat(length)}`.slice(0, length - 3) + "end";

async function everyAnswerOf(id: string, { url: baseUrl } = api): Promise<unknown[]> {
  const url = `${baseUrl}/responses/${id}`;
  const events = await fetch(`${url}?stream=true`);
  const items = await send<unknown>("GET", `${url}/input_items`);
  return [await events.text(), items.body, (await send("GET", url)).body];
}

test.each([10, 40, 4_000])("a client's secret for an MCP server is not revealed (%i characters)", async (length) => {
  const secrets = ["token", "header", "path", "query"].map((name) => ofLength(name, Math.max(length, 20)));
  const short = ofLength("s", 10);
  const [token, header, path, query] = secrets as [string, string, string, string];
  const forms = [...secrets, short].flatMap((secret) => Object.values(SECRET_FORMS).map((write) => write(secret)));
  await using server = await startMcpServer({
    tools: {
      look: { run: () => textResult(forms.join(" | ")) },
      fail: {
        run: () => {
          throw new Error(forms.join(" | "));
        },
      },
      [`named_${short}`]: { run: () => textResult("ran") },
    },
  });
  const tool = {
    type: "mcp",
    server_label: "srv",
    server_url: `${server.url}/${path}/x?key=${query}`,
    require_approval: "never",
    authorization: token,
    headers: { "X-Key": header, "X-Short": short },
  };
  const metadata = scriptSteps([
    { call: "srv__look", arguments: {} },
    { call: "srv__fail", arguments: {} },
  ]);
  const request = { model: "simulator/default", input: "Go on.", background: true, metadata, tools: [tool] };
  const created = await send("POST", `${api.url}/responses`, request, { "Idempotency-Key": `once-${length}` });
  expect(created.body).toMatchObject({ tools: [{ server_url: new URL(server.url).origin }] });
  const response = await pollToEnd(api.url, created.body.id);
  const sent = { authorization: `Bearer ${token}`, "x-key": header };
  expect(server.headers[0]).toMatchObject(sent);
  const types = response.output.map(({ type }) => type);
  expect(types).toEqual(expect.arrayContaining(["mcp_list_tools", "mcp_call", "message"]));
  expect(JSON.stringify(response.output)).toContain("<redacted>");
  const next = { ...request, previous_response_id: created.body.id, background: false };
  const chained = await send("POST", `${api.url}/responses`, next);
  const others = await Promise.all(
    ["responses/input_tokens", "responses/compact"].map((each) =>
      send("POST", `${api.url}/${each}`, { model: "simulator/default", input: "Go on.", tools: [tool] }),
    ),
  );
  const answers = [
    created,
    chained,
    others,
    await everyAnswerOf(created.body.id),
    await everyAnswerOf(chained.body.id),
  ];
  expectNone(await everywhere([api, worker], answers), [...secrets, short]);
});

test("the URL of an MCP server in an item is not revealed", async () => {
  const [path, query] = ["path", "query"].map((name) => ofLength(name, 40)) as [string, string];
  const address = `https://a.example/${path}?key=${query}`;
  const failed = {
    type: "response.failed",
    response: { status: "failed", error: { code: "server_error", message: address } },
  };
  await using upstream = await startUpstreamServer(
    stream(created(), ...message(0, "msg_1", ["Gone on."]), completed()),
    streamAndEnd(failed),
  );
  const settings = {
    ...environment,
    OPENAI_BASE_URL: upstream.url,
    OPENAI_API_KEY: PROVIDER_KEY,
    KEY_PREFIX: uniquePrefix(),
  };
  using ownInspector = new RedisInspector(settings.KEY_PREFIX);
  await using ownApi = await startApi(settings);
  await using ownWorker = await startWorker(settings);
  const tool = { type: "mcp", server_label: "srv", server_url: address, require_approval: "never" };
  const items = [
    { type: "additional_tools", role: "developer", tools: [tool] },
    { role: "user", content: "Go on." },
  ];
  const conversation = await send<{ id: string }>("POST", `${ownApi.url}/conversations`, { items });
  const conversationUrl = `${ownApi.url}/conversations/${conversation.body.id}`;
  const answers: unknown[] = [conversation, await send("POST", `${conversationUrl}/items`, { items: items.slice(1) })];
  const model = "openai/gpt-test";
  const run = async (request: object): Promise<string> => {
    const { id } = await create(ownApi.url, { model, background: true, ...request });
    answers.push(await pollToEnd(ownApi.url, id), ...(await everyAnswerOf(id, ownApi)));
    return id;
  };
  const first = await run({ input: items });
  await run({ input: "On.", conversation: conversation.body.id });
  await run({ input: "On.", previous_response_id: first });
  const listed = await send("GET", `${conversationUrl}/items`);
  expect(JSON.stringify(listed)).toContain('"server_url":"https://a.example"');
  // The worker that calls the server opens the whole URL, also if an earlier response brought it.
  expect(upstream.requests.length).toBeGreaterThanOrEqual(3);
  for (const { body } of upstream.requests) expect(JSON.stringify(body)).toContain(address);
  const logs = [ownApi, ownWorker].flatMap(({ lines }) => lines.map((line) => JSON.stringify(line)));
  const text = [await ownInspector.dumpAll(), ...logs, JSON.stringify([...answers, listed])].join("\n");
  expectNone(text, [path, query]);
});

test("two thousand of a client's secrets are not revealed", async () => {
  const names = Array.from({ length: 2_000 }, (_, i) => `planted-${i}-${"x".repeat(i % 50)}-secret`);
  await using server = await startMcpServer();
  const headers = Object.fromEntries(names.map((name, i) => [`X-Key-${i}`, name]));
  const tool = { type: "mcp", server_label: "srv", server_url: server.url, require_approval: "never", headers };
  const created = await create(api.url, {
    model: "simulator/default",
    input: "Go on.",
    background: true,
    tools: [tool],
  });
  const response = await pollToEnd(api.url, created.id);
  expect(await everywhere([api, worker], [created, response])).not.toMatch(/planted-\d+-/);
});

test("a client's secret that a provider quotes in its error is not revealed", async () => {
  const token = "planted-passed-on-77aa";
  const message = `No. ${Object.values(SECRET_FORMS)
    .flatMap((write) => [token, PROVIDER_KEY].map(write))
    .join(" | ")
    .slice(0, 900)}`;
  const failed = { type: "response.failed", response: { status: "failed", error: { code: "server_error", message } } };
  await using upstream = await startUpstreamServer(answerError(400, { message }), streamAndEnd(failed));
  const settings = {
    ...environment,
    OPENAI_BASE_URL: upstream.url,
    OPENAI_API_KEY: PROVIDER_KEY,
    KEY_PREFIX: uniquePrefix(),
  };
  await using ownApi = await startApi(settings);
  await using ownWorker = await startWorker(settings);
  const tool = {
    type: "mcp",
    server_label: "srv",
    server_url: `https://a.example/mcp?key=${token}`,
    authorization: token,
  };
  for (let i = 0; i < 2; i++) {
    const body = { model: "openai/some", input: "Go on.", tools: [tool] };
    const { body: answer } = await send("POST", `${ownApi.url}/responses`, body);
    expect(answer).toMatchObject({ status: "failed", error: { message: expect.stringContaining("No. ") } });
    expectNone(await everywhere([ownApi, ownWorker], [answer]), [token, PROVIDER_KEY]);
  }
  expect(JSON.stringify(upstream.requests[0]!.body)).toContain(token);
});

test("an operator's password that Redis rejects is not revealed", async () => {
  const password = "planted-password-31c0";
  const redis = createServer((socket) => {
    socket.on("error", () => {});
    // Several commands may arrive at once, and each waits for its reply.
    socket.on("data", (data) =>
      socket.write(`-WRONGPASS not ${password}\r\n`.repeat(String(data).split("\r\n*").length)),
    );
  });
  redis.listen(0, "127.0.0.1");
  await once(redis, "listening");
  const url = `redis://:${password}@127.0.0.1:${(redis.address() as AddressInfo).port}`;
  for (const script of ["src/server.ts", "workers/main.ts"]) {
    await using rejected = new ServerProcess(script, script, { ...environment, REDIS_URL: url, PORT: "0" });
    await rejected.line(({ msg }) => msg.startsWith("Redis is not reachable"), "a word about Redis");
    expect(JSON.stringify(rejected.lines)).toContain("WRONGPASS not [redacted]");
    expectNone(JSON.stringify(rejected.lines), [password]);
  }
  redis.close();
});

test("a URL with a user name or password is rejected everywhere, and not repeated", async () => {
  const tool = { type: "mcp", server_label: "srv", server_url: "https://me:planted-word@a.example/" };
  const items = [{ type: "additional_tools", role: "developer", tools: [tool] }];
  const model = "simulator/default";
  for (const [path, body, param] of [
    ["responses", { model, input: "Go on.", tools: [tool] }, "tools[0].server_url"],
    ["responses", { model, input: items }, "input[0].tools[0].server_url"],
    ["responses/input_tokens", { model, input: "Go on.", tools: [tool] }, "tools[0].server_url"],
    ["responses/compact", { model, input: items }, "input[0].tools[0].server_url"],
    ["conversations", { items }, "items[0].tools[0].server_url"],
  ] as const) {
    const answer = await send<object>("POST", `${api.url}/${path}`, body);
    expect(answer).toMatchObject({ status: 400, body: { error: { param, code: "invalid_value" } } });
    expect(JSON.stringify(answer.body)).not.toContain("planted");
  }
});
