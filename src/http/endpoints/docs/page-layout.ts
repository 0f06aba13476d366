/** The frame of every page of the documentation: header, list of pages, list of sections. */
import { type Address, API_REFERENCE, INDEX, relativeAddress } from "./documents.ts";
import { escapeHtml, type RenderedDocument } from "./render-document.ts";

export interface PageLink {
  address: Address;
  title: string;
  summary: string;
}

export interface PageGroup {
  title: string;
  pages: PageLink[];
}

const PROJECT = "background-responses";
const CONTENTS_DEPTHS = new Set([2, 3]);
const SUMMARY_CHARACTERS = 160;

/** The list of all pages. */
export function indexPage(groups: readonly PageGroup[]): string {
  const lists = groups.map(({ title, pages }) => {
    const items = pages.map((page) => {
      const link = linkTo(page, INDEX);
      return `<li>${link}<p>${escapeHtml(firstSentence(page.summary))}</p></li>`;
    });
    return `<h2>${title}</h2>\n<ul class="index">\n${items.join("\n")}\n</ul>`;
  });
  return pageAt(INDEX, "Documentation", `<main><article><h1>Documentation</h1>\n${lists.join("\n")}</article></main>`);
}

export function documentPage(
  address: Address,
  { title, headings, html }: RenderedDocument,
  groups: readonly PageGroup[],
): string {
  const contents = headings
    .filter(({ depth }) => CONTENTS_DEPTHS.has(depth))
    .map(({ depth, id, text }) => `<li class="depth-${depth}"><a href="#${id}">${escapeHtml(text)}</a></li>`);
  const columns = [
    column("pages", "Pages", groups.map((group) => pageList(group, address)).join("\n")),
    contents.length === 0 ? "" : column("contents", "On this page", `<ul>\n${contents.join("\n")}\n</ul>`),
    `<main><article>\n${html}</article></main>`,
  ];
  return pageAt(address, title, columns.join("\n"));
}

function pageList({ title, pages }: PageGroup, current: Address): string {
  const items = pages.map((page) => `<li>${linkTo(page, current)}</li>`);
  return `<p>${title}</p>\n<ul>\n${items.join("\n")}\n</ul>`;
}

/** Closed on a narrow screen. The style sheet opens it where there is room beside the text. */
function column(name: string, title: string, html: string): string {
  return `<details class="${name}"><summary>${title}</summary>\n<nav aria-label="${title}">\n${html}\n</nav></details>`;
}

function linkTo({ address, title }: PageLink, from: Address): string {
  const current = address === from ? ' aria-current="page"' : "";
  return `<a href="${relativeAddress(from, address)}"${current}>${escapeHtml(title)}</a>`;
}

function firstSentence(text: string): string {
  const [sentence = ""] = /^[^]*?\.(?=\s|$)|^[^]*$/.exec(text) ?? [];
  if (sentence.length <= SUMMARY_CHARACTERS) return sentence;
  return `${sentence.slice(0, sentence.lastIndexOf(" ", SUMMARY_CHARACTERS))} …`;
}

function pageAt(address: Address, title: string, body: string): string {
  const to = (target: Address): string => relativeAddress(address, target);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} · ${PROJECT}</title>
<link rel="icon" type="image/png" href="${to("docs/favicon.png")}">
<link rel="stylesheet" href="${to("docs/guide.css")}">
</head>
<body>
<header>
<strong>${PROJECT}</strong>
<nav aria-label="Documentation">
<a href="${to(INDEX)}">Documentation</a>
<a href="${to(API_REFERENCE)}">API reference</a>
</nav>
</header>
<div class="page">
${body}
</div>
</body>
</html>
`;
}
