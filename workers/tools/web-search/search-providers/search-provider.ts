/** The contract between web search and a search engine. Implementations are in `search-providers/`. */
export interface SearchProvider {
  /** Name in log lines. */
  readonly name: string;
  /** Best results first. Rejects with a SearchFailedError, or with the signal's reason. */
  search(query: SearchQuery, signal: AbortSignal): Promise<SearchResult[]>;
}

export interface SearchQuery {
  text: string;
  /** The wanted number of results. The engine may return fewer or more. */
  count: number;
  /** Whether detail about each result matters more than speed. */
  isThorough: boolean;
  /** Only pages of these domains and their subdomains are wanted; any if empty. The caller drops other results. */
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
  /** The page's text about the query. May be empty. */
  snippet: string;
  /** Unchanged from the search engine. */
  published?: string | undefined;
}

/** The message is for the model. `cause` is for the operator. */
export class SearchFailedError extends Error {
  override readonly name = "SearchFailedError";
  /** The status with which the engine rejected the query. */
  readonly status: number | undefined;
  constructor(message: string, options?: ErrorOptions & { status?: number }) {
    super(message, options);
    this.status = options?.status;
  }
}

/** The longest query that the search engines accept. */
const MAX_QUERY_LENGTH = 400;
/** With more domains, the query names none, and the caller drops results of other domains. */
const MAX_OPERATORS = 8;

/** Builds the query for engines that accept domains only as operators in it. */
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
