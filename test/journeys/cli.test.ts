/** The commands of `background-responses` against a real server, as scripts and people use them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findFreePort } from "../../src/local/redis/private-server.ts";
import type { Run } from "../../src/protocol/run.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { CliRun, runCli } from "../support/cli-run.ts";
import { startMcpServer, textResult } from "../support/mcp-server.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { testRedisUrl, uniquePrefix } from "../support/redis.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";
import { scriptSteps } from "../support/tool-runs.ts";
import { answerError, startUpstreamServer } from "../support/upstream-server.ts";

const KEY = "key-of-the-terminal";
const server = await openTestServerWithWorker({
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: `alpha:${KEY}`,
  FETCH_ALLOWED_HOSTS: "127.0.0.1",
});
const headers = { authorization: `Bearer ${KEY}` };
const environment = { BACKGROUND_RESPONSES_URL: server.api.url, BACKGROUND_RESPONSES_API_KEY: KEY };
const folder = await mkdtemp(join(tmpdir(), "cli-"));
afterAll(async () => await rm(folder, { recursive: true, force: true }));

const FAST = ["--metadata", "simulator.tokens=30", "--metadata", "simulator.delay_ms=1"];

test("submit prints the id, and each source of input works", async () => {
  const file = join(folder, "question.txt");
  await writeFile(file, "from a file");
  const runs = [
    { args: ["from", "words"], input: "", expected: "from words" },
    { args: ["--input", "from an option"], input: "", expected: "from an option" },
    { args: ["--file", file], input: "", expected: "from a file" },
    { args: ["-"], input: "from stdin", expected: "from stdin" },
    { args: [], input: "from a pipe", expected: "from a pipe" },
  ];
  for (const { args, input, expected } of runs) {
    const { code, output } = await runCli(["submit", ...args, ...FAST], { environment, input });
    expect(code).toBe(0);
    expect(output).toMatch(/^resp_\w+\n$/);
    const response = await pollToEnd(server.api.url, output.trim(), headers);
    expect(JSON.stringify(response.output)).toContain(`“${expected}”`);
  }
});

test("submit passes on instructions, tools, metadata and the response to continue", async () => {
  const first = (await runCli(["submit", "one", ...FAST], { environment })).output.trim();
  await pollToEnd(server.api.url, first, headers);
  const tool = JSON.stringify({ type: "function", name: "f", parameters: { type: "object" }, strict: false });
  const args = [
    "two",
    "--instructions",
    "Be brief.",
    "--tool",
    tool,
    "--tool",
    "code_interpreter",
    "--previous",
    first,
  ];
  const { output } = await runCli(["submit", ...args, ...FAST, "--metadata", "topic=a=b", "--json"], { environment });
  expect(JSON.parse(output)).toMatchObject({
    instructions: "Be brief.",
    tools: [{ type: "function", name: "f" }, { type: "code_interpreter" }],
    previous_response_id: first,
    metadata: { topic: "a=b" },
    background: true,
  });
});

test("submit without background prints the answer", async () => {
  const { code, output } = await runCli(["submit", "hello", "--no-background", ...FAST], { environment });
  expect(code).toBe(0);
  expect(output).toContain("“hello”");
});

test("a pipe gets the answer alone, and notes go to stderr", async () => {
  const { code, output, notes } = await runCli(["submit", "hello", "--follow", ...FAST], { environment });
  const [, id] = /^(resp_\w+)$/m.exec(notes)!;
  const { body } = await send<{ output: { content: { text: string }[] }[] }>(
    "GET",
    `${server.api.url}/responses/${id}`,
    undefined,
    headers,
  );
  expect({ code, output }).toEqual({ code: 0, output: `${body.output[0]!.content[0]!.text}\n` });
  expect(notes).toMatch(new RegExp(`${id} completed, \\d+ tokens in, 30 out\n$`));
  expect(output + notes).not.toContain("\u001B");
});

test("--json prints each event on a line, byte for byte what was recorded", async () => {
  const { lines } = await runCli(["submit", "hello", "--follow", "--json", ...FAST], { environment });
  const events = lines.map((line) => JSON.parse(line) as { response?: { id: string } });
  const log = await server.inspector.log(events[0]!.response!.id);
  expect(events).toEqual(log.map((line) => JSON.parse(line) as unknown));
  const tail = await runCli(["tail", events[0]!.response!.id, "--after", "7", "--json"], { environment });
  expect(tail.lines).toEqual(lines.slice(8));
});

test("tail survives cut connections, and misses nothing", async () => {
  await using proxy = await startCuttingProxy(server.api.url);
  proxy.cutAfter = () => 8_000;
  const { id } = await create(server.api.url, simulate({ tokens: 200, delay_ms: 5 }), headers);
  const { code, lines } = await runCli(["tail", id, "--json", "--base-url", proxy.url], { environment });
  expect(code).toBe(0);
  expect(lines).toHaveLength((await server.inspector.log(id)).length);
  expect(proxy.cuts).toBeGreaterThan(2);
});

test("Ctrl-C stops following, leaves the run, and says how to resume", async () => {
  await using run = new CliRun(
    [
      "submit",
      "slow",
      "--follow",
      "--json",
      "--metadata",
      "simulator.tokens=100",
      "--metadata",
      "simulator.delay_ms=50",
    ],
    { environment },
  );
  await run.says(/"sequence_number":12/);
  run.child.kill("SIGINT");
  expect(await run.ended).toBe(130);
  const [, id, cursor] = /the run continues\. Resume with: background-responses tail (\S+) --after (\d+)/.exec(
    run.notes,
  )!;
  const rest = await runCli(["tail", id!, "--after", cursor!, "--json"], { environment });
  expect(rest.code).toBe(0);
  const seen = [...run.lines, ...rest.lines].map(
    (line) => (JSON.parse(line) as { sequence_number: number }).sequence_number,
  );
  expect(seen).toEqual(seen.map((_, i) => i));
});

test("exit codes tell how a response ended", async () => {
  const incomplete = { ...simulate({ tokens: 50, delay_ms: 0 }), max_output_tokens: 16 };
  const failing = simulate({ tokens: 50, delay_ms: 0, fail_after: 3 });
  const rows = [
    [4, incomplete],
    [3, failing],
  ] as const;
  for (const [code, body] of rows) {
    const { id } = await create(server.api.url, body, headers);
    const { notes, ...ended } = await runCli(["tail", id], { environment });
    expect({ notes, code: ended.code }).toEqual({ notes, code });
  }
  const { id } = await create(server.api.url, simulate({ tokens: 500, delay_ms: 50 }), headers);
  await using tail = new CliRun(["tail", id, "--json"], { environment });
  await tail.says(/output_text\.delta/);
  expect(await runCli(["cancel", id], { environment })).toMatchObject({ code: 0, output: `${id} cancelled\n` });
  expect(await tail.ended).toBe(5);
});

test.each([
  [["tail", "resp_unknown"], 7, "404 Response with id 'resp_unknown' not found."],
  [["submit", "x", "--api-key", "a-wrong-key-altogether"], 7, "401 "],
  [["submit", "x", "--model", "nobody/nothing"], 7, "nobody/nothing"],
  [["submit", "x", "--input", "y"], 2, "Give the input once"],
  [["submit"], 2, "The input is empty."],
  [["submit", "x", "--tool", "{"], 2, "--tool { is not JSON."],
  [["submit", "x", "--metadata", "novalue"], 2, "--metadata novalue is not key=value."],
  [["submit", "--file", "/nowhere/at/all"], 2, "--file /nowhere/at/all cannot be read"],
  [["submit", "x", "--follow", "--no-background"], 2, "--follow needs a background response."],
  [["tail"], 2, "missing required argument"],
  [["tail", "resp_1", "--after", "x"], 2, "--after x is not the number of an event."],
  [["fly"], 2, "unknown command 'fly'"],
  [["show", "resp_1", "--base-url", "http://127.0.0.1:2/v1"], 6, "Cannot reach http://127.0.0.1:2/v1"],
])("%j ends in %i and one sentence", async (args, code, sentence) => {
  const ended = await runCli(args, { environment });
  expect({ code: ended.code, output: ended.output }).toEqual({ code, output: "" });
  expect(ended.notes).toContain(sentence);
  expect(ended.notes).not.toMatch(/^ +at /m);
});

test("--verbose adds the stack", async () => {
  const { notes } = await runCli(["--verbose", "tail", "resp_unknown"], { environment });
  expect(notes).toMatch(/^ +at /m);
});

test("show says what a run does, and after a failure why it ended", async () => {
  const { id } = await create(server.api.url, simulate({ tokens: 400, delay_ms: 20 }), headers);
  await using tail = new CliRun(["tail", id, "--json"], { environment });
  await tail.says(/output_text\.delta/);
  const running = await runCli(["show", id], { environment });
  expect(running.output).toMatch(/^step +calling simulator\/default for .* \(turn 1\)$/m);
  expect(running.output).toMatch(/^ +1\. \S+: running$/m);
  const { body: run } = await send<Run>("GET", `${server.api.url}/responses/${id}/run`, undefined, headers);
  const { output } = await runCli(["show", id, "--json"], { environment });
  expect(JSON.parse(output)).toMatchObject({ id, worker: run.worker, attempts: run.attempts });
  expect(await runCli(["delete", id], { environment })).toMatchObject({ code: 0, output: `${id} deleted\n` });
  expect((await runCli(["show", id], { environment })).code).toBe(7);
  const failing = await create(server.api.url, simulate({ tokens: 50, delay_ms: 0, fail_after: 3 }), headers);
  await pollToEnd(server.api.url, failing.id, headers);
  const failed = await runCli(["show", failing.id], { environment });
  expect(failed.output).toMatch(/^status +failed$/m);
  expect(failed.output).toMatch(/^error +server_error: /m);
});

test("list shows the project's responses, and filters them", async () => {
  const { id } = await create(
    server.api.url,
    simulate({ tokens: 3, delay_ms: 0 }, { metadata: { "simulator.tokens": "3", set: "listed" } }),
    headers,
  );
  await pollToEnd(server.api.url, id, headers);
  const filter = ["--metadata", "set=listed", "--status", "completed", "--status", "failed"];
  const words = await runCli(["list", ...filter], { environment });
  expect(words.lines).toEqual([
    expect.stringMatching(new RegExp(`^${id}  completed  .* ago  simulator/default  \\d+ tokens`)),
  ]);
  const json = await runCli(["list", ...filter, "--json"], { environment });
  expect(json.lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({ id, run: expect.objectContaining({ id }) as unknown }),
  ]);
  expect((await runCli(["list", "--status", "sleeping"], { environment })).code).toBe(7);
});

test("a reader that leaves ends the program quietly", async () => {
  const { id } = await create(server.api.url, simulate({ tokens: 2_000, delay_ms: 0 }), headers);
  await pollToEnd(server.api.url, id, headers);
  const program = `${process.execPath} src/cli/bin.cjs tail ${id} --json | head -n 1 >/dev/null; echo "$\{PIPESTATUS[0]}"`;
  const shell = spawn("bash", ["--norc", "-c", program], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  await once(shell, "close");
  expect(output).toBe("0\n");
});

test("doctor finds each thing that is wrong, and says what to do", async () => {
  const busy = new URL(server.api.url).port;
  await using silent = await startCuttingProxy("http://127.0.0.1:1/v1");
  const providers = join(folder, "providers.json");
  const provider = (base_url: string) => ({ kind: "openai-compatible", base_url, api_key_env: "LAB_KEY" });
  const wrongKey = provider(server.api.url);
  await writeFile(providers, JSON.stringify({ providers: { lab: wrongKey, gone: provider("http://127.0.0.1:1/v1") } }));
  const settings = {
    REDIS_URL: testRedisUrl(),
    KEY_PREFIX: uniquePrefix(),
    PORT: busy,
    LAB_KEY: "not-the-key-of-the-lab",
    PROVIDERS_FILE: providers,
    SEARXNG_URL: silent.url,
  };
  const { code, output } = await runCli(["doctor"], { environment: settings, cwd: folder });
  expect(code).toBe(1);
  expect(output).toContain("! workers: None serves the background queue.\n  → Run `background-responses worker`.");
  expect(output).toContain("✗ provider lab: It rejects the key of LAB_KEY with 401.\n  → ");
  expect(output).toContain("✗ provider gone: http://127.0.0.1:1/v1/models cannot be reached: ");
  expect(output).toContain("✗ web search: SEARXNG_URL cannot be reached: ");
  expect(output).toContain(`✓ API: It is ready at http://127.0.0.1:${busy}/v1`);
  const noRedis = await runCli(["doctor", "--json"], {
    environment: { REDIS_URL: "redis://127.0.0.1:1", PORT: "0" },
    cwd: folder,
  });
  expect(noRedis.code).toBe(1);
  const found = noRedis.lines.map((line) => JSON.parse(line) as object);
  expect(found).toContainEqual({
    level: "error",
    subject: "Redis",
    message: "It does not answer within 5 s.",
    remedy: "Start Redis, or correct REDIS_URL.",
  });
  const invalid = await runCli(["doctor"], { environment: { PORT: "many" }, cwd: folder });
  expect(invalid).toMatchObject({
    code: 1,
    output: expect.stringContaining("✗ configuration: Invalid configuration. PORT: ") as string,
  });
});

test("doctor is content with a server that works", async () => {
  const prefix = server.inspector.layout.meta("x").split(":")[0]!.replace(/[{}]/g, "");
  const settings = { REDIS_URL: testRedisUrl(), KEY_PREFIX: prefix, PORT: "0" };
  const { code, output } = await runCli(["doctor"], { environment: settings, cwd: folder });
  expect(output).not.toContain("✗");
  expect(output).toContain("✓ workers: 1 serve the background queue.");
  expect(code).toBe(0);
});

test("doctor does not take a client's address for a provider without saying so", async () => {
  const { url } = server.api;
  const port = new URL(url).port;
  const settings = { REDIS_URL: testRedisUrl(), KEY_PREFIX: uniquePrefix(), OPENAI_BASE_URL: url };
  const own = await runCli(["doctor"], { environment: { ...settings, PORT: port }, cwd: folder });
  expect(own.code).toBe(1);
  expect(own.output).toContain(
    `✗ provider openai: OPENAI_BASE_URL is ${url}, this server's own address: it would call itself.\n  → Unset OPENAI_BASE_URL`,
  );
  const other = await runCli(["doctor"], { environment: { ...settings, PORT: "0" }, cwd: folder });
  expect(other.code).toBe(0);
  expect(other.output).toContain(
    `! provider openai: OPENAI_BASE_URL is ${url}, a server of this kind: the server here would take it for a provider.\n  → If that is not meant: unset`,
  );
  await using provider = await startUpstreamServer(answerError(404, {}));
  const real = { ...settings, PORT: "0", OPENAI_BASE_URL: provider.url };
  const ofShell = await runCli(["doctor"], { environment: real, cwd: folder });
  expect(ofShell.output).toContain(
    `✓ provider openai: It is ${provider.url}, by OPENAI_BASE_URL of the shell. It answers`,
  );
  const project = await mkdtemp(join(folder, "with-env-"));
  await writeFile(join(project, ".env"), `OPENAI_BASE_URL=${provider.url}\n`);
  const { OPENAI_BASE_URL: _url, ...others } = real;
  const ofFile = await runCli(["doctor"], { environment: others, cwd: project });
  expect(ofFile.output).toContain(`✓ provider openai: It is ${provider.url}, by OPENAI_BASE_URL. It answers`);
});

test("webhooks listen verifies events, passes them on, and removes its endpoint", async () => {
  const received: string[] = [];
  const program = createServer((request, response) => {
    request.resume();
    received.push(String(request.headers["webhook-id"]));
    response.writeHead(received.length === 1 ? 500 : 204).end();
  });
  await once(program.listen(0, "127.0.0.1"), "listening");
  const forward = `http://127.0.0.1:${(program.address() as AddressInfo).port}/hook`;
  const port = await findFreePort();
  const settings = {
    KEY_PREFIX: uniquePrefix(),
    WEBHOOKS_ALLOW_HTTP: "true",
    WEBHOOK_RETRY_DELAY_MS: "50",
    FETCH_ALLOWED_HOSTS: `127.0.0.1:${port}`,
  };
  await using api = await startApi(settings);
  await using worker = await startWorker(settings);
  const args = ["webhooks", "listen", "--json", "--port", String(port), "--forward", forward, "--base-url", api.url];
  await using run = new CliRun(args);
  const [, endpoint, url] = await run.says(/(\S+) sends response\.completed, .* to (http:\S+)\n[^]*Ctrl-C/);
  expect((await fetch(url!, { method: "POST", body: "{}" })).status).toBe(401);
  const { id } = await create(api.url, simulate({ tokens: 3, delay_ms: 0 }));
  await run.says(/"status":204.*\n/);
  const events = run.lines.map((line) => JSON.parse(line) as { webhook_id: string });
  // The program rejected the first try, so the server sent the same event again.
  expect(events).toEqual(
    [500, 204].map((status) => ({
      webhook_id: received[0],
      status,
      event: expect.objectContaining({ type: "response.completed", data: { id } }) as unknown,
    })),
  );
  expect(received).toEqual([received[0], received[0]]);
  run.child.kill("SIGINT");
  expect(await run.ended).toBe(0);
  expect((await send("GET", `${api.url}/webhook_endpoints/${endpoint}`)).status).toBe(404);
  program.close();
  expect(await worker.stop()).toBe(0);
});

test("a terminal shows the step and the text, without the model's control characters", async () => {
  const { id } = await create(
    server.api.url,
    { ...simulate({ reasoning: 60, tokens: 60, delay_ms: 20 }), input: "a\u001B[2Jb\u0007" },
    headers,
  );
  const command = `${process.execPath} src/cli/bin.cjs tail ${id}`;
  const terminal = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    env: { PATH: process.env["PATH"], NO_COLOR: "1", TERM: "xterm", ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  terminal.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [code] = (await once(terminal, "close")) as [number];
  expect({ output, code }).toEqual({ output, code: 0 });
  expect(output).toContain("“a[2Jb”");
  expect(output).toContain(`${id} completed`);
  // The only control sequence is the one that clears the status line.
  const text = output.replaceAll("\r\u001B[2K", "");
  expect(["\u0007", "\u001B"].filter((control) => text.includes(control))).toEqual([]);
  expect(output).toMatch(/(?:waiting for the first event|calling the model|writing|queued).* · \d+/);
});

test("report says which approval an answer waits for", async () => {
  await using mcp = await startMcpServer({ tools: { look: { run: () => textResult("seen") } } });
  const tools = [{ type: "mcp", server_label: "lab", server_url: mcp.url }];
  const metadata = scriptSteps({ call: "lab__look", arguments: {} });
  const { id } = await create(server.api.url, { ...simulate({}), metadata, tools }, headers);
  await pollToEnd(server.api.url, id, headers);
  const { code, notes } = await runCli(["report", id], { environment });
  expect(notes).toContain("it asks whether it may call lab.look; answer it on the page Approvals of the console");
  expect(code).not.toBe(0);
});
