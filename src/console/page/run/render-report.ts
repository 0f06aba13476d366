/**
 * A report as DOM. Its text is untrusted: models repeat what pages and tools wrote. Raw HTML stays text, DOMPurify keeps
 * only the elements that Markdown makes, links lead to web pages in a new tab, and no image is loaded.
 */
import DOMPurify from "dompurify";
import createMarkdown from "markdown-it/browser";
import { type CitedText, FOOTNOTE_MARK, type Source, toWebUrl } from "./citations.ts";

const TAGS =
  "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre s strong sub sup table tbody td th thead tr ul".split(
    " ",
  );

/** The page's own headings come before those of a report. */
const HEADING_SHIFT = 2;
const LOWEST_HEADING = 6;

const markdown = createMarkdown({ html: false, linkify: true, breaks: false });
// An image would tell its server who reads the report. Its address is shown as a link.
markdown.renderer.rules["image"] = (tokens, index) => {
  const token = tokens[index]!;
  const { escapeHtml } = markdown.utils;
  return `<a href="${escapeHtml(String(token.attrGet("src") ?? ""))}">${escapeHtml(token.content || "Image")}</a>`;
};
for (const rule of ["heading_open", "heading_close"]) {
  markdown.renderer.rules[rule] = (tokens, index, options, _env, renderer) => {
    const token = tokens[index]!;
    token.tag = `h${Math.min(Number(token.tag.slice(1)) + HEADING_SHIFT, LOWEST_HEADING)}`;
    return renderer.renderToken(tokens, index, options);
  };
}

// Markdown aligns cells by inline styles, which the page's policy forbids.
for (const rule of ["th_open", "td_open"]) {
  markdown.renderer.rules[rule] = (tokens, index, options, _env, renderer) => {
    const token = tokens[index]!;
    const alignment = /^text-align:(left|center|right)$/.exec(String(token.attrGet("style") ?? ""))?.[1];
    token.attrs = alignment === undefined ? null : [["align", alignment]];
    return renderer.renderToken(tokens, index, options);
  };
}

export function renderReport({ text, sources }: CitedText): DocumentFragment {
  const fragment = DOMPurify.sanitize(markdown.render(text), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", "title", "start", "align"],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of fragment.querySelectorAll("a")) secureLink(link);
  for (const wide of fragment.querySelectorAll("pre, table")) makeScrollable(wide);
  insertFootnotes(fragment, new Map(sources.map((source) => [source.number, source])));
  return fragment;
}

/** A link that is not to the web becomes text. */
function secureLink(link: HTMLAnchorElement): void {
  const href = link.getAttribute("href");
  const url = href === null ? undefined : toWebUrl(href);
  if (url === undefined) {
    const text = document.createDocumentFragment();
    while (link.firstChild !== null) text.append(link.firstChild);
    link.replaceWith(text);
    return;
  }
  link.href = url.href;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
}

/** Wide content scrolls in a box of its own, also by keyboard. */
function makeScrollable(element: Element): void {
  const box = document.createElement("div");
  box.className = "scrolls";
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", element.tagName === "TABLE" ? "Table" : "Code");
  element.replaceWith(box);
  box.append(element);
}

function insertFootnotes(fragment: DocumentFragment, sources: ReadonlyMap<number, Source>): void {
  const texts: Text[] = [];
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  while (walker.nextNode() !== null) {
    if (walker.currentNode instanceof Text && walker.currentNode.data.search(FOOTNOTE_MARK) >= 0) {
      texts.push(walker.currentNode);
    }
  }
  for (const text of texts) text.replaceWith(withFootnotes(text.data, sources));
}

function withFootnotes(text: string, sources: ReadonlyMap<number, Source>): DocumentFragment {
  const fragment = document.createDocumentFragment();
  // Every second part is the number of a footnote.
  for (const [i, part] of text.split(FOOTNOTE_MARK).entries()) {
    const source = i % 2 === 1 ? sources.get(Number(part)) : undefined;
    if (i % 2 === 0) fragment.append(part);
    else if (source !== undefined) fragment.append(footnoteTo(source));
  }
  return fragment;
}

function footnoteTo({ number, title, url }: Source): HTMLElement {
  const mark = document.createElement("sup");
  const link = document.createElement("a");
  link.textContent = String(number);
  link.className = "footnote";
  link.title = title;
  link.setAttribute("aria-label", `Source ${number}: ${title}`);
  link.href = url;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  mark.append(link);
  return mark;
}
