/**
 * Extracts an HTML page's text: its article if it has one, or else all text. It runs in its own thread
 * (thread.ts). By default, jsdom neither runs the page's scripts nor loads its resources.
 */
import { isProbablyReaderable, Readability } from "@mozilla/readability";
import sniffEncoding from "html-encoding-sniffer";
import { JSDOM, VirtualConsole } from "jsdom";
import { decodeLabelled } from "../decode-text.ts";
import { toOneLine } from "../one-line.ts";
import { renderNodeText } from "./node-text.ts";

export interface HtmlPage {
  bytes: Uint8Array;
  /** The server's charset. Undefined if it sent none. */
  charset: string | undefined;
  url: string;
}

export interface ExtractedPage {
  title: string;
  text: string;
  published: string | undefined;
  /** The target of an immediate refresh. */
  refresh?: string | undefined;
  /** The page's canonical URL, if it is on the same site. */
  canonical?: string | undefined;
  /** Whether the page has no text of its own, and scripts that may create it. */
  isMadeByScripts?: boolean;
}

/** Maximum delay of a refresh that is followed. A longer delay is meant for readers. */
const MAX_REFRESH_SECONDS = 5;
/**
 * The bytes that are searched for the page's encoding. Browsers search the first 1,024, and continue if it comes later.
 */
const PRESCAN_BYTES = 8_192;
/** Readability visits each element many times. */
const MAX_ARTICLE_ELEMENTS = 30_000;
/** Minimum share of the page's text that an article has. A shorter article is a teaser in a list. */
const MIN_ARTICLE_SHARE = 0.3;

const MAX_DATE_LENGTH = 40;

export function extractPage({ bytes, charset, url }: HtmlPage, textMaximum: number): ExtractedPage {
  // Errors of a page do not belong in this server's log.
  const options = { url, contentType: "text/html", virtualConsole: new VirtualConsole() };
  const declared = sniffEncoding(bytes, { defaultEncoding: null, maxPrescanBytes: PRESCAN_BYTES });
  const { window } = new JSDOM(decodeLabelled(bytes, [charset, declared]), options);
  const { document } = window;
  const whole = renderNodeText(document.body ?? document, textMaximum);
  const title = toOneLine(document.title);
  const details = {
    refresh: findRefresh(document, url),
    canonical: findCanonical(document, url),
    isMadeByScripts: needsScripts(whole) && document.querySelector("script") !== null,
  };
  const article = readArticle(document, textMaximum);
  window.close();
  if (article === undefined || article.text.length < whole.length * MIN_ARTICLE_SHARE) {
    return { title, text: whole, published: article?.published, ...details };
  }
  return { ...article, ...details, title: title === "" ? article.title : title };
}

/** Changes the document. */
function readArticle(document: Document, textMaximum: number): ExtractedPage | undefined {
  if (document.getElementsByTagName("*").length > MAX_ARTICLE_ELEMENTS) return undefined;
  if (!isProbablyReaderable(document)) return undefined;
  const reader = new Readability<Node>(document, { serializer: (node) => node });
  const article = reader.parse();
  if (article?.content == null) return undefined;
  return {
    title: toOneLine(article.title),
    text: renderNodeText(article.content, textMaximum),
    published: toOneLine(article.publishedTime, MAX_DATE_LENGTH) || undefined,
  };
}

/**
 * https://html.spec.whatwg.org/multipage/semantics.html#shared-declarative-refresh-steps. Undefined if it leads to the
 * same page.
 */
function findRefresh(document: Document, url: string): string | undefined {
  for (const element of document.querySelectorAll("meta[http-equiv][content]")) {
    if (element.getAttribute("http-equiv")!.trim().toLowerCase() !== "refresh") continue;
    const content = element.getAttribute("content")!.slice(0, MAX_URL_LENGTH);
    const [, seconds, rest] = /^\s*(\d+)?(?:\.[\d.]*)?\s*[;,\s]\s*(?:url\s*=\s*)?(.+)$/is.exec(content) ?? [];
    if (rest === undefined || Number(seconds ?? 0) > MAX_REFRESH_SECONDS) continue;
    const quoted = /^(["'])(.*?)(?:\1|$)/s.exec(rest);
    return resolveOtherPage(quoted?.[2] ?? rest, document.baseURI, url);
  }
  return undefined;
}

function findCanonical(document: Document, url: string): string | undefined {
  const href = document.querySelector('link[rel~="canonical" i][href]')?.getAttribute("href");
  const canonical = href == null ? undefined : resolveOtherPage(href, document.baseURI, url);
  const site = (source: string) => new URL(source).host.replace(/^www\./, "");
  return canonical !== undefined && site(canonical) === site(url) ? canonical : undefined;
}

/** Maximum length of a text that only asks for scripts. */
const MAX_NOTICE_LENGTH = 300;

function needsScripts(text: string): boolean {
  return text === "" || (text.length < MAX_NOTICE_LENGTH && /javascript/i.test(text));
}

const MAX_URL_LENGTH = 4_096;

function resolveOtherPage(source: string, base: string, url: string): string | undefined {
  if (source.length > MAX_URL_LENGTH || !URL.canParse(source.trim(), base)) return undefined;
  const target = new URL(source.trim(), base);
  target.hash = "";
  const isOther = target.href !== new URL(url).href && /^https?:$/.test(target.protocol);
  return isOther ? target.href : undefined;
}
