/**
 * What an HTML page says: its article, if it is one, or all of its text. Runs in a thread of its own
 * (page-extraction/thread.ts). The page's scripts are not run and nothing that it names is loaded: both are off in jsdom
 * unless asked for.
 */
import { isProbablyReaderable, Readability } from "@mozilla/readability";
import sniffEncoding from "html-encoding-sniffer";
import { JSDOM, VirtualConsole } from "jsdom";
import { decodeLabelled } from "../decode-text.ts";
import { toOneLine } from "../one-line.ts";
import { renderNodeText } from "./node-text.ts";

export interface HtmlPage {
  bytes: Uint8Array;
  /** As the server named it; undefined if it named none. */
  charset: string | undefined;
  url: string;
}

export interface ExtractedPage {
  title: string;
  text: string;
  published: string | undefined;
  /** Where the page sends its readers at once. */
  refresh?: string | undefined;
  /** What the page says its URL is; of its own site only. */
  canonical?: string | undefined;
  /** It has no text but that it needs scripts, and scripts that may make it. */
  isMadeByScripts?: boolean;
}

/** Of a redirect that a page makes itself, in seconds. Longer waits are for readers. */
const MAX_REFRESH_SECONDS = 5;
/** In which a page says its encoding; browsers look for it in the first 1,024 and go on where it comes late. */
const PRESCAN_BYTES = 8_192;
/** Readability looks at each of them many times. */
const MAX_ARTICLE_ELEMENTS = 30_000;
/** Of the page's text, that an article has at least. Less is a teaser, and the page is a list of them. */
const MIN_ARTICLE_SHARE = 0.3;

const MAX_DATE_LENGTH = 40;

export function extractPage({ bytes, charset, url }: HtmlPage, textMaximum: number): ExtractedPage {
  // A console that nobody listens to: what is wrong with the page is not worth a line in this server's log.
  const options = { url, contentType: "text/html", virtualConsole: new VirtualConsole() };
  const declared = sniffEncoding(bytes, { defaultEncoding: null, maxPrescanBytes: PRESCAN_BYTES });
  const { window } = new JSDOM(decodeLabelled(bytes, [charset, declared]), options);
  const { document } = window;
  const whole = renderNodeText(document.body ?? document, textMaximum);
  const title = toOneLine(document.title);
  const said = {
    refresh: findRefresh(document, url),
    canonical: findCanonical(document, url),
    isMadeByScripts: needsScripts(whole) && document.querySelector("script") !== null,
  };
  const article = readArticle(document, textMaximum);
  window.close();
  if (article === undefined || article.text.length < whole.length * MIN_ARTICLE_SHARE) {
    return { title, text: whole, published: article?.published, ...said };
  }
  return { ...article, ...said, title: title === "" ? article.title : title };
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

/** https://html.spec.whatwg.org/multipage/semantics.html#shared-declarative-refresh-steps: undefined if it leads nowhere else. */
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

/** Of a page whose only text says that it needs scripts. */
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
