/** Which MCP tools are refused when they are asked for: those that nobody could run. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Config, ConfigurationError, readConfig } from "../../../src/config.ts";
import type { ResolvedModel } from "../../../src/providers/catalog.ts";
import { unavailableTool } from "../../../src/providers/server-tools.ts";
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
const reasonOf = (fields: object) => unavailableTool([mcp(fields)], lab([]), config)?.reason;

test("a server that is configured, or that the request says where to find, is not refused", () => {
  for (const fields of [
    { server_label: "known" },
    { server_label: "far" },
    { server_url: "https://mcp.example/mcp" },
    { connector_id: "connector_gmail" },
  ]) {
    expect(reasonOf(fields)).toBeUndefined();
  }
});

test("one that is neither is refused, and the setting named", () => {
  expect(unavailableTool([mcp({ server_label: "known" }), mcp({})], lab([]), config)).toMatchObject({
    place: 1,
    type: "mcp",
    reason: expect.stringContaining("MCP_SERVERS_FILE") as string,
  });
  expect(reasonOf({ server_label: "toString" })).toContain("MCP_SERVERS_FILE");
  expect(reasonOf({ connector_id: "connector_dropbox" })).toContain("MCP_SERVERS_FILE");
  expect(reasonOf({ server_url: "file:///etc/passwd" })).toContain("http");
  expect(reasonOf({ tunnel_id: "t" })).toContain("tunnels");
});

test("what the provider runs itself is the provider's to refuse", () => {
  expect(unavailableTool([mcp({})], lab(), config)).toBeUndefined();
  expect(unavailableTool([mcp({})], lab(["mcp"]), config)).toBeUndefined();
});

test.each([
  ["{", "cannot be read as JSON"],
  [{ servers: { a: { url: "ftp://a.example/" } } }, "servers.a"],
  [{ servers: { a: { command: "x", shell: true } } }, "servers.a"],
  [{ connectors: { connector_unknown: { url: "https://a.example/" } } }, "connectors"],
  [{ server: {} }, "server"],
])("a file that is wrong stops the process: %j", async (content, named) => {
  await expect(configOf(content)).rejects.toThrow(ConfigurationError);
  await expect(configOf(content)).rejects.toThrow(named);
});
