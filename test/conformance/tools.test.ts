/** Every tool of this server obeys the contract of tools. */
import { vi } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { openCodeInterpreterKind } from "../../workers/tools/code-interpreter/code-interpreter.ts";
import { openImageGenerationKind } from "../../workers/tools/image-generation/image-generation.ts";
import { openMcpKind } from "../../workers/tools/mcp/mcp.ts";
import { openWebSearchKind } from "../../workers/tools/web-search/web-search.ts";
import { json, startImagesServer } from "../support/images-server.ts";
import { mcpTool } from "../support/mcp-runs.ts";
import { LOOK_AND_CHANGE, startMcpServer, textResult } from "../support/mcp-server.ts";
import { searchResults, startWebSite } from "../support/web-site.ts";
import { describeTool } from "./tool-suite.ts";

/** An interpreter takes seconds to start, and several times that on a busy machine. */
vi.setConfig({ testTimeout: 120_000 });

const LOOPBACK = { FETCH_ALLOWED_HOSTS: "127.0.0.1" };

describeTool("Web search", async () => {
  const site = await startWebSite();
  site.pages["/search"] = searchResults({ url: `${site.url}/moss`, title: "Moss" });
  const kind = openWebSearchKind(readConfig({ ...LOOPBACK, SEARXNG_URL: site.url, WEB_SEARCH_HONOUR_ROBOTS: "false" }));
  return {
    kind,
    tool: { type: "web_search" },
    itemType: "web_search_call",
    good: { call: "web_search", arguments: { query: "moss" } },
    bad: { call: "open_page", arguments: { url: `${site.url}/nowhere` } },
    async [Symbol.asyncDispose]() {
      await kind[Symbol.asyncDispose]?.();
      await site[Symbol.asyncDispose]();
    },
  };
});

describeTool("The code interpreter", () => {
  const kind = openCodeInterpreterKind(readConfig({ CODE_INTERPRETER_PROCESSES: "1" }));
  return Promise.resolve({
    kind,
    tool: { type: "code_interpreter", container: { type: "auto" } },
    itemType: "code_interpreter_call",
    good: { call: "python", arguments: { code: "6 * 7" } },
    bad: { call: "python", arguments: { code: "1 / 0" } },
    [Symbol.asyncDispose]: async () => await kind[Symbol.asyncDispose]?.(),
  });
});

describeTool("Image generation", async () => {
  const server = await startImagesServer();
  const image = json(200, { created: 1, data: [{ b64_json: Buffer.from("an image").toString("base64") }] });
  const rejection = json(400, { error: { message: "Not that.", type: "image_generation_user_error", code: null } });
  server.answers.push((response, request) => (request.fields["prompt"] === "forbidden" ? rejection : image)(response));
  const environment = {
    OPENAI_BASE_URL: server.url,
    OPENAI_API_KEY: "sk-of-a-test",
    IMAGE_MODEL: "openai/gpt-image-1",
  };
  const kind = openImageGenerationKind(readConfig({ ...environment, UPSTREAM_MAX_RETRIES: "0" }));
  return {
    kind,
    tool: { type: "image_generation" },
    itemType: "image_generation_call",
    good: { call: "generate_image", arguments: { prompt: "moss" } },
    bad: { call: "generate_image", arguments: { prompt: "forbidden" } },
    async [Symbol.asyncDispose]() {
      await kind[Symbol.asyncDispose]?.();
      await server[Symbol.asyncDispose]();
    },
  };
});

describeTool("MCP", async () => {
  const fail = { run: () => ({ ...textResult("That cannot be."), isError: true }) };
  const server = await startMcpServer({ tools: { ...LOOK_AND_CHANGE, fail } });
  const kind = openMcpKind(readConfig(LOOPBACK));
  return {
    kind,
    tool: mcpTool({ server_url: server.url }),
    itemType: "mcp_call",
    good: { call: "srv__look", arguments: { x: 1 } },
    bad: { call: "srv__fail", arguments: {} },
    async [Symbol.asyncDispose]() {
      await kind[Symbol.asyncDispose]?.();
      await server[Symbol.asyncDispose]();
    },
  };
});
