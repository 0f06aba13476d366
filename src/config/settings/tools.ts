import { flag, httpUrl, integer, milliseconds, optionalText } from "../setting.ts";

/** Maximum time that Node's fetch waits until an answer starts. */
const MAX_FETCH_MS = 300_000;

export const webSearchSettings = {
  SEARXNG_URL: httpUrl("Address of a SearXNG that web search uses. Its `search.formats` must include `json`."),
  BRAVE_API_KEY: optionalText("Key of Brave's search API, which web search uses unless `SEARXNG_URL` is set."),
  BRAVE_BASE_URL: httpUrl("Address of Brave's search API. If empty, `https://api.search.brave.com/res/v1`."),
  TAVILY_API_KEY: optionalText(
    "Key of Tavily's search API, which web search uses unless `SEARXNG_URL` or `BRAVE_API_KEY` is set.",
  ),
  TAVILY_BASE_URL: httpUrl("Address of Tavily's search API. If empty, `https://api.tavily.com`."),
  WEB_SEARCH_TIMEOUT_MS: milliseconds("Timeout of one search including its retries, and of one page fetch.", {
    default: 20_000,
    min: 1,
  }),
  WEB_SEARCH_HONOUR_ROBOTS: flag(
    "Respect for `robots.txt`: web search opens only pages that their site allows to the agent `background-responses`.",
    true,
  ),
};

export const mcpSettings = {
  MCP_SERVERS_FILE: optionalText(
    "Path of a JSON file with MCP servers that requests name by label, and with connectors.",
  ),
  MCP_CALL_TIMEOUT_MS: milliseconds("Timeout of an MCP call without an answer or a progress notification.", {
    default: 120_000,
    min: 1,
  }),
};

export const codeInterpreterSettings = {
  CODE_INTERPRETER: flag(
    "Availability of `code_interpreter` on this server, for models whose provider does not run it.",
    true,
  ),
  CODE_INTERPRETER_TIMEOUT_MS: milliseconds("Timeout of one call of the code interpreter.", {
    default: 60_000,
    min: 1,
  }),
  CODE_INTERPRETER_MEMORY_MB: integer("Memory of one interpreter's Python. Its process may use twice as much.", {
    default: 384,
    min: 64,
    max: 4096,
    unit: "MiB",
  }),
  CODE_INTERPRETER_PROCESSES: integer(
    "Maximum interpreters of one worker that one project uses at a time. Further calls wait.",
    { default: 4, min: 1 },
  ),
};

export const imageSettings = {
  IMAGE_MODEL: optionalText(
    "Model that creates the images of `image_generation`, as `vendor/model`. Its provider is Google or has the OpenAI images API. If empty, requests with the tool are rejected.",
  ),
  IMAGE_TIMEOUT_MS: milliseconds("Timeout of the creation of one image.", {
    default: 180_000,
    min: 1,
    max: MAX_FETCH_MS,
  }),
};
