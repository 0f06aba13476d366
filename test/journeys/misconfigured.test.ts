/** A configuration that would admit unintended clients, or fail at the first request, ends the process at its start. */
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { create, send, simulate } from "../support/api-client.ts";
import { ServerProcess, startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

const EXIT_MISCONFIGURED = 78;
const API = "src/server.ts";
const WORKER = "workers/main.ts";
const KEY = "planted-key";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "background-responses-settings-"));
  const lab = { kind: "openai-compatible", base_url: "http://127.0.0.1:9/v1", api_key_env: "LAB_KEY" };
  const docs = { url: "http://127.0.0.1:9/mcp", headers_env: { Authorization: "DOCS_TOKEN" } };
  await writeFile(join(folder, "providers.json"), JSON.stringify({ providers: { lab } }));
  await writeFile(join(folder, "servers.json"), JSON.stringify({ servers: { docs } }));
  await writeFile(join(folder, "keys"), "# none yet\n");
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

test.each([
  [API, { API_KEYS: `one:${KEY},two:${KEY}` }, "API_KEYS: entry 2 has the key of another project"],
  [API, { API_KEYS_FILE: "keys" }, "API_KEYS_FILE: contains no key."],
  [API, { API_KEYS: `one:${KEY}`, HOST: "0.0.0.0" }, "API_KEYS: entry 1 has a key of fewer than 16 characters"],
  [API, { PROVIDERS_FILE: "providers.json" }, "providers.lab.api_key_env: the variable LAB_KEY is not set"],
  [WORKER, { PROVIDERS_FILE: "providers.json" }, "providers.lab.api_key_env: the variable LAB_KEY is not set"],
  [WORKER, { MCP_SERVERS_FILE: "servers.json" }, "servers.docs.headers_env: the variable DOCS_TOKEN is not set"],
  [
    API,
    { PORT: "8099", OPENAI_BASE_URL: "http://localhost:8099/v1" },
    "The provider 'openai' has this server's own address. OPENAI_BASE_URL names a provider of this server.",
  ],
])("%s with %j", async (script, settings: Record<string, string>, sentence) => {
  const environment = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, name.endsWith("_FILE") ? join(folder, value) : value]),
  );
  await using rejected = new ServerProcess(script, script, { KEY_PREFIX: uniquePrefix(), PORT: "0", ...environment });
  const line = await rejected.line(({ msg }) => msg.includes(sentence), sentence);
  expect(await rejected.exited).toBe(EXIT_MISCONFIGURED);
  expect(rejected.lines).toHaveLength(1);
  expect(line.msg).not.toContain(KEY);
});

test("a worker whose port is in use takes no job", async () => {
  await using taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const environment = { KEY_PREFIX: uniquePrefix(), PORT: "0" };
  await using api = await startApi(environment);
  const { id } = await create(api.url, simulate({}));
  const { port } = taken.address() as AddressInfo;
  await using worker = new ServerProcess("worker", WORKER, { ...environment, WORKER_PORT: String(port) });
  await worker.line(({ msg }) => msg.includes(`Port ${port} of 127.0.0.1 is in use.`), "its error");
  expect(await worker.exited).toBe(1);
  const { body } = await send<Run>("GET", `${api.url}/responses/${id}/run`);
  expect(body).toMatchObject({ attempts: [], step: { type: "queued" } });
});
