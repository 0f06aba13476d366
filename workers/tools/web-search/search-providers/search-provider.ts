/** The contract between web search and whatever answers its queries. Implementations are in `search-providers/`. */
export interface SearchProvider {
  /** For the log. */
  readonly name: string;
  /** The best results first. Rejects with a SearchFailedError, or with the signal's reason. */
  search(query: SearchQuery, signal: AbortSignal): Promise<SearchResult[]>;
}

export interface SearchQuery {
  text: string;
  /** Results that are wanted. There may be fewer, or more. */
  count: number;
  /** Text about each result matters more than the time that it takes. */
  isThorough: boolean;
  /** Only pages of these, and of what is below them, are wanted; any if empty. The caller leaves out what is not. */
  domains: readonly string[];
  /** ISO 3166-1, upper case. */
  country: string | undefined;
  city: string | undefined;
  region: string | undefined;
  timezone: string | undefined;
}

export interface SearchResult {
  title: string;
  url: string;
  /** What the page says about the query. May be empty. */
  snippet: string;
  /** As the search engine says it. */
  published?: string | undefined;
}

/** The message is for the model; what an operator needs to know is in `cause`. */
export class SearchFailedError extends Error {
  override readonly name = "SearchFailedError";
  /** With which the engine refused the query. */
  readonly status: number | undefined;
  constructor(message: string, options?: ErrorOptions & { status?: number }) {
    super(message, options);
    this.status = options?.status;
  }
}

/** Longest query that the search engines take. */
const MAX_QUERY_LENGTH = 400;
/** Of a query with many domains the engine is asked without them, and what it finds elsewhere is left out. */
const MAX_OPERATORS = 8;

/** For engines that know domains as operators within the query only. */
export function buildSiteQuery({ text, domains }: SearchQuery): string {
  const operators = domains.map((domain) => `site:${domain}`).join(" OR ");
  const suffix = domains.length > 1 ? ` (${operators})` : ` ${operators}`;
  if (domains.length === 0 || domains.length > MAX_OPERATORS || suffix.length > MAX_QUERY_LENGTH / 2) {
    return text.slice(0, MAX_QUERY_LENGTH);
  }
  return text.slice(0, MAX_QUERY_LENGTH - suffix.length) + suffix;
}

export function truncateQuery({ text }: SearchQuery): string {
  return text.slice(0, MAX_QUERY_LENGTH);
}
