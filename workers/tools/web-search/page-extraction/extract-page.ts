/**
 * What an HTML page says: its article, if it is one, or all of its text. Runs in a thread of its own
 * (page-extraction/thread.ts). The page's scripts are not run and nothing that it names is loaded: both are off in jsdom
 * unless asked for.
 */
import { isProbablyReaderable, Readability } from "@mozilla/readability";
import { JSDOM, VirtualConsole } from "jsdom";
import { oneLine } from "../one-line.ts";
import { nodeText } from "./node-text.ts";

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
}

/** Readability looks at each of them many times. */
const ARTICLE_ELEMENTS_MAXIMUM = 30_000;
/** Of the page's text, that an article has at least. Less is a teaser, and the page is a list of them. */
const ARTICLE_SHARE = 0.3;

const DATE_MAXIMUM = 40;

export function extractPage({ bytes, charset, url }: HtmlPage, textMaximum: number): ExtractedPage {
  // A console that nobody listens to: what is wrong with the page is not worth a line in this server's log.
  const options = { url, contentType: htmlType(charset), virtualConsole: new VirtualConsole() };
  const { window } = new JSDOM(bytes, options);
  const { document } = window;
  const whole = nodeText(document.body ?? document, textMaximum);
  const title = oneLine(document.title);
  const article = readArticle(document, textMaximum);
  window.close();
  if (article === undefined || article.text.length < whole.length * ARTICLE_SHARE) {
    return { title, text: whole, published: article?.published };
  }
  return { ...article, title: title === "" ? article.title : title };
}

/** Changes the document. */
function readArticle(document: Document, textMaximum: number): ExtractedPage | undefined {
  if (document.getElementsByTagName("*").length > ARTICLE_ELEMENTS_MAXIMUM) return undefined;
  if (!isProbablyReaderable(document)) return undefined;
  const reader = new Readability<Node>(document, { serializer: (node) => node });
  const article = reader.parse();
  if (article?.content == null) return undefined;
  return {
    title: oneLine(article.title),
    text: nodeText(article.content, textMaximum),
    published: oneLine(article.publishedTime, DATE_MAXIMUM) || undefined,
  };
}

function htmlType(charset: string | undefined): string {
  return charset !== undefined && /^[\w.:-]+$/.test(charset) ? `text/html; charset=${charset}` : "text/html";
}
