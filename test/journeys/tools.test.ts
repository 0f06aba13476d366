/** Tools of a request, over HTTP: who runs them, and which are rejected. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { expectDescribed } from "../support/expect-described.ts";
import { startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

expectDescribed();

test("a tool that no one can run is rejected at POST", async () => {
  const folder = await mkdtemp(join(tmpdir(), "br-tools-"));
  try {
    const PROVIDERS_FILE = join(folder, "providers.json");
    const provider = { kind: "openai-responses", base_url: "http://127.0.0.1:9/v1", hosted_tools: [] };
    await writeFile(PROVIDERS_FILE, JSON.stringify({ providers: { local: provider } }));
    await using api = await startApi({ KEY_PREFIX: uniquePrefix(), PROVIDERS_FILE });
    const tools = [
      { type: "function", name: "mine" },
      { type: "file_search", vector_store_ids: ["vs_1"] },
    ];
    const answer = await fetch(`${api.url}/responses`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "local/egret", input: "Find it", background: true, tools }),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({
      error: {
        message: expect.stringMatching(/^The tool 'file_search' is not available: /),
        type: "invalid_request_error",
        param: "tools[1]",
        code: "unsupported_value",
      },
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
