/**
 * Opens pages for one response, under the request's domain filter and the site's robots.txt. It caches the latest
 * pages, so that a search within a page does not fetch it again.
 */
import { LRUCache } from "lru-cache";
import { CookieJar } from "tough-cookie";
import { GuardedFetchError, TooManyRedirectsError } from "../../net/errors.ts";
import type { FetchedContent, GuardedFetch } from "../../net/guarded-fetch.ts";
import { decodeText } from "../../documents/decode-text.ts";
import { describeFailure, describeStatus } from "./describe-failure.ts";
import type { DomainFilter } from "./domain-filter.ts";
import { ExtractionError, type PageExtractor } from "./page-extraction/page-extraction.ts";
import type { RobotsPolicy } from "./robots-policy.ts";
import { USER_AGENT } from "./user-agent.ts";

export interface WebPage {
  /** The URL after redirects. */
  url: string;
  title: string;
  text: string;
  published?: string | undefined;
  /** The page's canonical URL, if it is another URL of the same site. */
  canonical?: string | undefined;
}

/** A page that cannot be opened. The message is for the model. */
export class PageError extends Error {
  override readonly name = "PageError";
}

const MAX_HTML_BYTES = 5 * 1024 * 1024;
const MAX_TEXT_LENGTH = 1_000_000;
/** Maximum cached pages. With the longest texts they take 16 MB per response. */
const MAX_CACHED_PAGES = 8;
const HTML_TYPES: ReadonlySet<string> = new Set(["text/html", "application/xhtml+xml"]);
const TEXT_TYPE =
  /^text\/|^application\/(json|xml|javascript|ecmascript|yaml|x-yaml|toml|rtf|x-ndjson)$|\+(json|xml|yaml)$/;

type OpenedPage = WebPage & { refresh?: string | undefined };

const MAX_REDIRECTS = 5;
const NEEDS_SCRIPTS =
  "The page has no text of its own: scripts create it in a browser, and they do not run here. Look for another page with this content.";

export interface PageReaderOptions {
  fetch: GuardedFetch;
  extraction: PageExtractor;
  project: string;
  domains: DomainFilter;
  /** Undefined if robots.txt is ignored. */
  robots: RobotsPolicy | undefined;
  timeoutMs: number;
}

export class PageReader {
  readonly #options: PageReaderOptions;
  /** By requested URL. */
  readonly #cache = new LRUCache<string, Promise<WebPage>>({ max: MAX_CACHED_PAGES });

  constructor(options: PageReaderOptions) {
    this.#options = options;
  }

  /** Rejects with a PageError, or with the signal's reason. */
  async read(source: string, signal: AbortSignal): Promise<WebPage> {
    const url = readUrl(source);
    const page = this.#cache.get(url) ?? this.#open(url, signal);
    this.#cache.set(url, page);
    try {
      return await page;
    } catch (error) {
      if (this.#cache.get(url) === page) this.#cache.delete(url);
      signal.throwIfAborted();
      if (error instanceof PageError) throw error;
      if (error instanceof GuardedFetchError || error instanceof ExtractionError) {
        throw new PageError(describeFailure(error), { cause: error });
      }
      throw error;
    }
  }

  async #open(url: string, signal: AbortSignal): Promise<WebPage> {
    const cookies = new CookieJar();
    let target = url;
    // A page's own refresh counts as one more redirect.
    for (let left = MAX_REDIRECTS; ;) {
      const rejection = await this.#findRejection(target, signal);
      if (rejection !== undefined) throw new PageError(rejection);
      const content = await this.#fetch(target, { signal, cookies, maxRedirects: left });
      if (content.status >= 400) throw new PageError(describeStatus(content.status));
      const { refresh, ...page } = await this.#readContent(content, signal);
      if (refresh === undefined) {
        if (page.text === "") throw new PageError("The page has no text.");
        return page;
      }
      left -= content.redirects + 1;
      if (left < 0) throw new TooManyRedirectsError(MAX_REDIRECTS);
      target = refresh;
    }
  }

  async #fetch(
    url: string,
    options: { signal: AbortSignal; cookies: CookieJar; maxRedirects: number },
  ): Promise<FetchedContent> {
    const { fetch, timeoutMs } = this.#options;
    return await fetch.read(url, {
      ...options,
      timeoutMs,
      headers: {
        "user-agent": USER_AGENT,
        accept: "text/html, application/xhtml+xml, text/*;q=0.9, application/json;q=0.9, */*;q=0.1",
        "accept-language": "*",
      },
      maxBytes: MAX_HTML_BYTES,
      checkRedirect: (target) => this.#findRejection(target, options.signal),
    });
  }

  /** Returns why the page may not be opened. */
  async #findRejection(url: string, signal: AbortSignal): Promise<string | undefined> {
    const { domains, robots } = this.#options;
    if (!domains.allows(url)) return domains.describe("opened");
    try {
      return await robots?.findRejection(url, signal);
    } catch (error) {
      if (error instanceof ExtractionError) return error.message;
      throw error;
    }
  }

  async #readContent({ url, contentType, charset, body }: FetchedContent, signal: AbortSignal): Promise<OpenedPage> {
    const type = contentType ?? sniff(body);
    if (HTML_TYPES.has(type)) {
      const { extraction, project } = this.#options;
      const { isMadeByScripts, ...page } = await extraction.extract(project, { bytes: body, charset, url }, signal);
      if (isMadeByScripts === true && page.refresh === undefined) throw new PageError(NEEDS_SCRIPTS);
      return { url, ...page };
    }
    const text = TEXT_TYPE.test(type) ? decodeText(body, charset) : undefined;
    if (text === undefined) throw new PageError(`The content is of type ${type}, which cannot be read as text.`);
    return { url, title: "", text: text.slice(0, MAX_TEXT_LENGTH).trim() };
  }
}

/** Models omit the scheme, and repeat the fragment, which is never sent to a server. */
function readUrl(source: string): string {
  const text = source.trim();
  // A port may follow a host name, but not a scheme.
  const hasScheme = /^[a-z][a-z0-9+.-]*:(?!\d)/i.test(text);
  const url = hasScheme ? text : `https://${text}`;
  if (!URL.canParse(url)) throw new PageError("The URL is not valid.");
  const parsed = new URL(url);
  parsed.hash = "";
  return parsed.href;
}

/** Guesses the type of content without a content type. */
function sniff(body: Uint8Array): string {
  const start = new TextDecoder("latin1").decode(body.subarray(0, 1024)).trimStart().toLowerCase();
  if (start.includes("\0") || start.startsWith("%pdf")) return "application/octet-stream";
  return /^(<!--|<!doctype html|<html|<head|<body)/.test(start) ? "text/html" : "text/plain";
}
