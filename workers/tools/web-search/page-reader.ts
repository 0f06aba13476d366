/**
 * Opens pages for one response, under the request's domain filter and the site's robots.txt. It caches the latest
 * pages, so that a search within a page does not fetch it again.
 */
import { LRUCache } from "lru-cache";
import { CookieJar } from "tough-cookie";
import { GuardedFetchError, TooManyRedirectsError } from "../../net/errors.ts";
import type { FetchedContent, GuardedFetch } from "../../net/guarded-fetch.ts";
import { type Document, DocumentError } from "../../documents/document.ts";
import type { DocumentReader } from "../../documents/document-reader.ts";
import { describeFailure, describeStatus } from "./describe-failure.ts";
import type { DomainFilter } from "./domain-filter.ts";
import { RobotsError } from "./robots/robots-evaluator.ts";
import type { RobotsPolicy } from "./robots/robots-policy.ts";
import { USER_AGENT } from "./user-agent.ts";

export interface WebPage {
  /** The URL after redirects. */
  url: string;
  title: string;
  /** Its text, and the pages of a document that has pages. */
  document: Pick<Document, "kind" | "text" | "pages" | "pageCount" | "isTruncated">;
  published?: string | undefined;
  /** The page's canonical URL, if it is another URL of the same site. */
  canonical?: string | undefined;
}

/** A page that cannot be opened. The message is for the model. */
export class PageError extends Error {
  override readonly name = "PageError";
}

const MAX_BYTES = 5 * 1024 * 1024;
const MAX_TEXT_LENGTH = 1_000_000;
const READ_TIMEOUT_MS = 15_000;
/** Maximum cached pages. With the longest texts they take 16 MB per response. */
const MAX_CACHED_PAGES = 8;
type OpenedPage = WebPage & { refresh?: string | undefined };

const MAX_REDIRECTS = 5;
const NO_TEXT = "The page has no text.";
const NO_TEXT_LAYER = "The document has no text: its pages are images. Look for another source with this content.";
const NEEDS_SCRIPTS =
  "The page has no text of its own: scripts create it in a browser, and they do not run here. Look for another page with this content.";

export interface PageReaderOptions {
  fetch: GuardedFetch;
  documents: DocumentReader;
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
      if (error instanceof DocumentError) throw new PageError(describeUnreadable(error), { cause: error });
      if (error instanceof GuardedFetchError || error instanceof RobotsError) {
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
        if (page.document.text === "") throw new PageError(page.document.pages === undefined ? NO_TEXT : NO_TEXT_LAYER);
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
        accept:
          "text/html, application/xhtml+xml, text/*;q=0.9, application/json;q=0.9, application/pdf;q=0.9, */*;q=0.1",
        "accept-language": "*",
      },
      maxBytes: MAX_BYTES,
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
      if (error instanceof RobotsError) return error.message;
      throw error;
    }
  }

  async #readContent({ url, contentType, charset, body }: FetchedContent, signal: AbortSignal): Promise<OpenedPage> {
    const { documents, project } = this.#options;
    const document = await documents.read(body, {
      project,
      signal,
      name: readFileName(url),
      contentType,
      charset,
      url,
      maxTextLength: MAX_TEXT_LENGTH,
      timeoutMs: READ_TIMEOUT_MS,
    });
    const { title = "", html } = document;
    if (html?.isMadeByScripts === true && html.refresh === undefined) throw new PageError(NEEDS_SCRIPTS);
    return { url, title, document, published: html?.published, canonical: html?.canonical, refresh: html?.refresh };
  }
}

function readFileName(url: string): string | undefined {
  const name = new URL(url).pathname.split("/").at(-1)!;
  return name === "" ? undefined : name;
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

/** The document's own messages speak of a file. */
function describeUnreadable({ code, message }: DocumentError): string {
  if (code === "timed_out" || code === "too_large") return "The page is too complex to read.";
  return code === "busy" ? "Too many pages are being read right now." : message;
}
