/** Tavily, https://docs.tavily.com/documentation/api-reference/endpoint/search. */
import { z } from "zod";
import {
  truncateQuery,
  SearchFailedError,
  type SearchProvider,
  type SearchQuery,
  type SearchResult,
} from "./search-provider.ts";
import type { KeyedProviderOptions } from "./brave.ts";
import { callEndpoint, resolveUrl, readableResultsSchema } from "./endpoint.ts";

const MAX_COUNT = 20;
const BAD_REQUEST = 400;

const answerSchema = z.object({
  results: readableResultsSchema(
    z.object({
      url: z.string(),
      title: z.string().nullish(),
      content: z.string().nullish(),
      published_date: z.string().nullish(),
    }),
  ),
});

export class TavilyProvider implements SearchProvider {
  readonly name = "tavily";
  readonly #options: KeyedProviderOptions;

  constructor(options: KeyedProviderOptions) {
    this.#options = options;
  }

  async search(query: SearchQuery, signal: AbortSignal): Promise<SearchResult[]> {
    const country = toCountryName(query.country);
    try {
      return await this.#ask(query, country, signal);
    } catch (error) {
      // Tavily does not accept the names of all countries.
      if (country === undefined || !(error instanceof SearchFailedError) || error.status !== BAD_REQUEST) throw error;
      return await this.#ask(query, undefined, signal);
    }
  }

  async #ask(query: SearchQuery, country: string | undefined, signal: AbortSignal): Promise<SearchResult[]> {
    const { baseUrl, apiKey, timeoutMs } = this.#options;
    const body = {
      query: truncateQuery(query),
      max_results: Math.min(query.count, MAX_COUNT),
      search_depth: query.isThorough ? "advanced" : "basic",
      ...(query.domains.length > 0 && { include_domains: query.domains }),
      ...(country !== undefined && { country }),
    };
    const headers = { authorization: `Bearer ${apiKey}` };
    const url = resolveUrl(baseUrl, "search");
    const { results } = await callEndpoint({ url, headers, body, schema: answerSchema, timeoutMs, signal });
    return results.map((result) => ({
      title: result.title ?? "",
      url: result.url,
      snippet: result.content ?? "",
      published: result.published_date ?? undefined,
    }));
  }
}

/** It knows countries by their English names. */
function toCountryName(country: string | undefined): string | undefined {
  if (country === undefined) return undefined;
  const name = new Intl.DisplayNames("en", { type: "region", fallback: "none" }).of(country);
  return name?.toLowerCase();
}
