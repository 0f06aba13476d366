/** Brave Search, https://api-dashboard.search.brave.com/app/documentation/web-search. */
import { z } from "zod";
import { type SearchProvider, type SearchQuery, type SearchResult, buildSiteQuery } from "./search-provider.ts";
import { callEndpoint, resolveUrl, readableResultsSchema } from "./endpoint.ts";

export interface KeyedProviderOptions {
  baseUrl: string;
  apiKey: string;
  timeoutMs: number;
}

const MAX_COUNT = 20;
/** Brave rejects other countries. */
const COUNTRIES: ReadonlySet<string> = new Set(
  "AR AU AT BE BR CA CL CN DE DK ES FI FR GB HK ID IN IT JP KR MX MY NL NO NZ PH PL PT RU SA SE CH TR TW US ZA".split(
    " ",
  ),
);

const answerSchema = z.object({
  web: z
    .object({
      results: readableResultsSchema(
        z.object({
          url: z.string(),
          title: z.string().nullish(),
          description: z.string().nullish(),
          extra_snippets: z.array(z.string()).nullish(),
          page_age: z.string().nullish(),
        }),
      ),
    })
    .nullish(),
});

export class BraveProvider implements SearchProvider {
  readonly name = "brave";
  readonly #options: KeyedProviderOptions;

  constructor(options: KeyedProviderOptions) {
    this.#options = options;
  }

  async search(query: SearchQuery, signal: AbortSignal): Promise<SearchResult[]> {
    const { baseUrl, apiKey, timeoutMs } = this.#options;
    const url = resolveUrl(baseUrl, "web/search");
    url.searchParams.set("q", buildSiteQuery(query));
    url.searchParams.set("count", String(Math.min(query.count, MAX_COUNT)));
    url.searchParams.set("result_filter", "web");
    url.searchParams.set("text_decorations", "false");
    if (query.country !== undefined && COUNTRIES.has(query.country)) url.searchParams.set("country", query.country);
    const headers = { "x-subscription-token": apiKey, ...locationHeaders(query) };
    const { web } = await callEndpoint({ url, headers, schema: answerSchema, timeoutMs, signal });
    return (web?.results ?? []).map((result) => ({
      title: decodeEntities(result.title ?? ""),
      url: result.url,
      snippet: decodeEntities([result.description ?? "", ...(result.extra_snippets ?? [])].join("\n")),
      published: result.page_age ?? undefined,
    }));
  }
}

function locationHeaders({ country, city, region, timezone }: SearchQuery): Record<string, string> {
  const headers: Record<string, string | undefined> = {
    "x-loc-country": country,
    "x-loc-city": city,
    "x-loc-state-name": region,
    "x-loc-timezone": timezone,
  };
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      const plain = toAscii(value ?? "");
      return plain === "" ? [] : [[name, plain]];
    }),
  );
}

/** Reduces a name to characters that a header can hold: `São Paulo` becomes `Sao Paulo`. */
function toAscii(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/[^\x20-\x7e]/g, "")
    .trim();
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", "#x27": "'", nbsp: " " };

/** Brave's texts are HTML without tags. */
function decodeEntities(html: string): string {
  return html.replace(/&([a-z]+|#x?[0-9a-f]+);/gi, (entity, name: string) => ENTITIES[name.toLowerCase()] ?? entity);
}
