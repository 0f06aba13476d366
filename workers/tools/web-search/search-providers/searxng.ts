/**
 * SearXNG, https://docs.searxng.org/dev/search_api. Its settings must allow the format `json` (`search.formats`): without
 * it, it answers 403.
 */
import { z } from "zod";
import { type SearchProvider, type SearchQuery, type SearchResult, buildSiteQuery } from "./search-provider.ts";
import { callEndpoint, resolveUrl, readableResultsSchema } from "./endpoint.ts";

const answerSchema = z.object({
  results: readableResultsSchema(
    z.object({
      url: z.string(),
      title: z.string().nullish(),
      content: z.string().nullish(),
      publishedDate: z.string().nullish(),
    }),
  ),
});

export class SearxngProvider implements SearchProvider {
  readonly name = "searxng";
  readonly #options: { baseUrl: string; timeoutMs: number };

  constructor(options: { baseUrl: string; timeoutMs: number }) {
    this.#options = options;
  }

  async search(query: SearchQuery, signal: AbortSignal): Promise<SearchResult[]> {
    const { baseUrl, timeoutMs } = this.#options;
    const url = resolveUrl(baseUrl, "search");
    url.searchParams.set("q", buildSiteQuery(query));
    url.searchParams.set("format", "json");
    const language = toLanguage(query.country);
    if (language !== undefined) url.searchParams.set("language", language);
    const { results } = await callEndpoint({ url, schema: answerSchema, timeoutMs, signal });
    return results.map((result) => ({
      title: result.title ?? "",
      url: result.url,
      snippet: result.content ?? "",
      published: result.publishedDate ?? undefined,
    }));
  }
}

/** SearXNG knows a country only as a language with a region: `DE` becomes `de-DE`. */
function toLanguage(country: string | undefined): string | undefined {
  if (country === undefined) return undefined;
  const { language, region } = new Intl.Locale(`und-${country}`).maximize();
  return language === "und" ? undefined : `${language}-${region}`;
}
