/** What the tools of this server need beside their settings. */
import { createRequire } from "node:module";
import type { Config } from "../../config/config.ts";
import { type Finding, messageOf, ok, problem, warning } from "./finding.ts";

const TIMEOUT_MS = 10_000;

export async function checkTools(config: Config): Promise<Finding[]> {
  return [checkPython(config), await checkSearch(config), ...(await checkMcpServers(config))];
}

function checkPython({ CODE_INTERPRETER }: Config): Finding {
  if (!CODE_INTERPRETER) return ok("Python", "CODE_INTERPRETER is off, so no Python runs.");
  try {
    createRequire(import.meta.url).resolve("pyodide");
    return ok("Python", "Pyodide is installed.");
  } catch {
    return problem("Python", "The package pyodide is not installed.", "Install it, or set CODE_INTERPRETER=false.");
  }
}

async function checkSearch({ SEARXNG_URL, BRAVE_API_KEY, TAVILY_API_KEY }: Config): Promise<Finding> {
  if (SEARXNG_URL === undefined) {
    if (BRAVE_API_KEY !== undefined) return ok("web search", "It uses Brave.");
    if (TAVILY_API_KEY !== undefined) return ok("web search", "It uses Tavily.");
    const remedy = "Set SEARXNG_URL, BRAVE_API_KEY or TAVILY_API_KEY. Only OpenAI's models search without.";
    return warning("web search", "No search engine is configured.", remedy);
  }
  const error = await findUnreachable(SEARXNG_URL);
  return error === undefined
    ? ok("web search", "Its SearXNG answers.")
    : problem("web search", `SEARXNG_URL cannot be reached: ${error}.`, "Start SearXNG, or correct SEARXNG_URL.");
}

/** Any answer will do: only an MCP session could say more. */
async function checkMcpServers({ mcpServers }: Config): Promise<Finding[]> {
  const remote = Object.entries(mcpServers.servers).flatMap(([name, server]) =>
    "url" in server ? [{ name, url: server.url }] : [],
  );
  return await Promise.all(
    remote.map(async ({ name, url }) => {
      const error = await findUnreachable(url);
      if (error === undefined) return ok(`MCP ${name}`, "It answers.");
      return problem(`MCP ${name}`, `It cannot be reached: ${error}.`, "Start it, or correct MCP_SERVERS_FILE.");
    }),
  );
}

async function findUnreachable(url: string): Promise<string | undefined> {
  try {
    const { body } = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await body?.cancel();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
