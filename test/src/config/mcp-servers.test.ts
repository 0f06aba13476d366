/** Which MCP tools are rejected at admission: those that neither this server nor the provider can run. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Config, readConfig } from "../../../src/config/config.ts";
import { ConfigurationError } from "../../../src/config/configuration-error.ts";
import type { ResolvedModel } from "../../../src/providers/catalog.ts";
import { findFirstUnavailableTool } from "../../../src/providers/unavailable-tools.ts";
import type { Tool } from "../../../src/protocol/tool.ts";

let folder: string;
let config: Config;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mcp-"));
  config = await configOf({
    servers: { known: { command: "/bin/true" }, far: { url: "https://mcp.example/", headers_env: { "X-Key": "KEY" } } },
    connectors: { connector_gmail: { url: "https://gmail.example/" } },
  });
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function configOf(content: unknown): Promise<Config> {
  const file = join(folder, "servers.json");
  await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  return readConfig({ MCP_SERVERS_FILE: file });
}

const lab = (hosted_tools?: string[]): ResolvedModel => ({
  provider: {
    name: "lab",
    kind: "openai-responses",
    base_url: "http://127.0.0.1/",
    headers: {},
    ...(hosted_tools !== undefined && { hosted_tools }),
  },
  model: "m",
  contextWindow: undefined,
});
const mcp = (fields: object): Tool => ({ type: "mcp", server_label: "srv", ...fields });
const reasonOf = (fields: object) => findFirstUnavailableTool([mcp(fields)], lab([]), config)?.reason;

test("a configured server, or one with an address, is accepted", () => {
  for (const fields of [
    { server_label: "known" },
    { server_label: "far" },
    { server_url: "https://mcp.example/mcp" },
    { connector_id: "connector_gmail" },
  ]) {
    expect(reasonOf(fields)).toBeUndefined();
  }
});

test("an unknown server is rejected with the setting's name", () => {
  expect(findFirstUnavailableTool([mcp({ server_label: "known" }), mcp({})], lab([]), config)).toMatchObject({
    index: 1,
    type: "mcp",
    reason: expect.stringContaining("MCP_SERVERS_FILE") as string,
  });
  expect(reasonOf({ server_label: "toString" })).toContain("MCP_SERVERS_FILE");
  expect(reasonOf({ connector_id: "connector_dropbox" })).toContain("MCP_SERVERS_FILE");
  expect(reasonOf({ server_url: "file:///etc/passwd" })).toContain("http");
  expect(reasonOf({ tunnel_id: "t" })).toContain("tunnels");
});

test("the provider decides about tools that it runs", () => {
  expect(findFirstUnavailableTool([mcp({})], lab(), config)).toBeUndefined();
  expect(findFirstUnavailableTool([mcp({})], lab(["mcp"]), config)).toBeUndefined();
});

const BOTH = "must have either command or url";
test.each<[content: unknown, message: string]>([
  ["{", "is not JSON: line 1."],
  ['{\n  "servers": { "a": { "url": https } }\n}', "is not JSON: line 2."],
  [{ servers: { a: { url: "ftp://a.example/" } } }, "line 4: servers.a.url: Invalid URL"],
  [{ servers: { a: { command: "x", shell: true } } }, "line 5: servers.a.shell: unknown"],
  [{ servers: { a: { url: "https://a.example/", headers: {} } } }, "line 5: servers.a.headers: unknown"],
  [{ servers: { a: { command: "x", args: "y" } } }, "line 5: servers.a.args: Invalid input: expected array"],
  [{ servers: { a: { command: 5 } } }, "line 4: servers.a.command: Invalid input: expected string"],
  [{ servers: { a: { command: "x", url: "https://a.example/" } } }, `line 3: servers.a: ${BOTH}`],
  [{ servers: { a: {} } }, `line 3: servers.a: ${BOTH}`],
  [{ servers: { a: "x" } }, `line 3: servers.a: ${BOTH}`],
  [{ connectors: { connector_unknown: { url: "https://a.example/" } } }, "line 3: connectors.connector_unknown"],
  [{ server: {} }, "line 2: server: unknown"],
])("an invalid file stops the process and names the line: %j", async (content, message) => {
  const text = typeof content === "string" ? content : JSON.stringify(content, null, 2);
  await expect(configOf(text)).rejects.toThrow(ConfigurationError);
  await expect(configOf(text)).rejects.toThrow(message);
});
