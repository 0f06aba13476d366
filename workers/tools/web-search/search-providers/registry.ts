/**
 * Chooses the search engine: the first that is configured. To add one, create a file in `search-providers/` and add it
 * here.
 */
import type { Config } from "../../../../src/config/config.ts";
import type { SearchProvider } from "./search-provider.ts";
import { BraveProvider } from "./brave.ts";
import { SearxngProvider } from "./searxng.ts";
import { TavilyProvider } from "./tavily.ts";

const BRAVE_URL = "https://api.search.brave.com/res/v1/";
const TAVILY_URL = "https://api.tavily.com/";

export function openSearchProvider(config: Config): SearchProvider | undefined {
  const timeoutMs = config.WEB_SEARCH_TIMEOUT_MS;
  const { SEARXNG_URL, BRAVE_API_KEY, BRAVE_BASE_URL, TAVILY_API_KEY, TAVILY_BASE_URL } = config;
  if (SEARXNG_URL !== undefined) return new SearxngProvider({ baseUrl: SEARXNG_URL, timeoutMs });
  if (BRAVE_API_KEY !== undefined) {
    return new BraveProvider({ baseUrl: BRAVE_BASE_URL ?? BRAVE_URL, apiKey: BRAVE_API_KEY, timeoutMs });
  }
  if (TAVILY_API_KEY !== undefined) {
    return new TavilyProvider({ baseUrl: TAVILY_BASE_URL ?? TAVILY_URL, apiKey: TAVILY_API_KEY, timeoutMs });
  }
  return undefined;
}
