/** A server that repeats the secrets it was sent: they are stored nowhere and shown to no one. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import { createRedactor, redactTexts } from "../../../../src/logging/redaction.ts";
import { collectSecrets, findTarget } from "../../../../workers/tools/mcp/find-server.ts";
import { call, mcpTool, offeredToolNames, runMcp, describeItems } from "../../../support/mcp-runs.ts";
import { startMcpServer, textResult } from "../../../support/mcp-server.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";
import { scriptSteps } from "../../../support/tool-runs.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => {
  await storage[Symbol.asyncDispose]();
});

const TOKEN = "planted-token-0123456789";
const HEADER = `${TOKEN}-and-"more"`;
const SECRETS = { authorization: TOKEN, headers: { "X-Key": HEADER } };

test("secrets are removed from results, errors and lists", async () => {
  const tools = {
    text: { run: () => textResult(`You are ${TOKEN}.`) },
    failed: { run: () => ({ ...textResult(`Not ${HEADER}!`), isError: true }) },
    structured: { run: () => ({ content: [], structuredContent: { key: HEADER, as: `Bearer ${TOKEN}` } }) },
    linked: {
      run: () => ({ content: [{ type: "resource_link" as const, name: "me", uri: `https://x/?key=${TOKEN}` }] }),
    },
  };
  await using server = await startMcpServer({
    tools,
    intercept: (_request, response, body) => {
      const { id, method } = JSON.parse(body === "" ? "{}" : body) as { id?: number; method?: string };
      if (method !== "tools/list") return false;
      const inputSchema = { type: "object", properties: { key: { default: TOKEN, examples: [HEADER, 1, null] } } };
      const listed = {
        description: `Knows ${TOKEN}.`,
        inputSchema,
        annotations: { title: HEADER, readOnlyHint: true },
      };
      const result = { tools: Object.keys(tools).map((name) => ({ name, ...listed })) };
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ jsonrpc: "2.0", id, result }));
      return true;
    },
  });
  const { response, log, calls } = await runMcp(storage, {
    tools: [mcpTool({ server_url: server.url, ...SECRETS })],
    metadata: scriptSteps(Object.keys(tools).map((name) => call(`srv__${name}`))),
  });
  expect(describeItems(response.output)).toEqual([
    "list text,failed,structured,linked",
    "text completed: You are <redacted>.",
    expect.stringContaining('"text":"Not <redacted>!"'),
    'structured completed: {"key":"<redacted>","as":"<redacted>"}',
    "linked completed: [link to me https://x/?key=<redacted>]",
    "message",
  ]);
  expect(offeredToolNames(calls[0]!)).toHaveLength(4);
  expect(response.output[0]).toMatchObject({
    tools: expect.arrayContaining([
      {
        name: "text",
        description: "Knows <redacted>.",
        input_schema: {
          type: "object",
          properties: { key: { default: "<redacted>", examples: ["<redacted>", 1, null] } },
        },
        annotations: { title: "<redacted>", readOnlyHint: true },
      },
    ]),
  });
  const journal = await storage.redis.hgetall(storage.layout.calls(response.id));
  const models = calls.map(({ history, request }) => [history, request.tools?.filter(({ type }) => type !== "mcp")]);
  for (const stored of [log, journal, models]) {
    expect(JSON.stringify(stored)).toContain("<redacted>");
    expect(JSON.stringify(stored)).not.toContain(TOKEN);
  }
});

test("the longest match of a secret is removed, and other text remains", () => {
  const redact = createRedactor(["planted-", "planted-secret", "a.c+(efgh", "prod"]);
  expect(redact("planted-secret planted-x abc+(efgh a.c+(efgh production")).toBe(
    "<redacted> <redacted>x abc+(efgh <redacted> production",
  );
  expect(redactTexts({ "planted-secret": ["planted-secret", 12, true] }, redact)).toEqual({
    "<redacted>": ["<redacted>", 12, true],
  });
  expect(createRedactor([])("anything")).toBe("anything");
});

test("a process's secrets are removed, and its paths remain", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mcp-"));
  const file = join(folder, "servers.json");
  const srv = { command: "/bin/true", env_names: ["PATH", "HOME", "API_KEY"] };
  await writeFile(file, JSON.stringify({ servers: { srv } }));
  const config = readConfig({ MCP_SERVERS_FILE: file, PATH: "/usr/local/bin", HOME: "/home/server", API_KEY: TOKEN });
  expect(collectSecrets(findTarget(mcpTool({}), config)!)).toEqual([TOKEN]);
  await rm(folder, { recursive: true });
});
