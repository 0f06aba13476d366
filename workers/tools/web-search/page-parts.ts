/**
 * The parts in which a model reads a page. A document with pages is read from a page on, as many whole pages as fit. Any
 * other text is split between paragraphs.
 */
import type { WebPage } from "./page-reader.ts";
import { splitSections } from "./page-sections.ts";

export interface PagePart {
  /** Which part it is, such as ` (part 1 of 3)`. Empty if it is all. */
  position: string;
  text: string;
  /** The number with which the model requests the next part. Undefined after the last one. */
  next: number | undefined;
}

/** A longer page of a document is cut, and `find_in_page` finds the rest. */
const MAX_DOCUMENT_PAGE_LENGTH = 40_000;

/** The error's text if there is no such part. */
export function readPart(page: WebPage, number: number, length: number): PagePart | string {
  if (page.document.pages !== undefined) return readPages(page, number, length);
  const sections = splitSections(page.document.text, length);
  const text = sections[number - 1];
  if (text === undefined) return `The page has ${sections.length} parts; part ${number} does not exist.`;
  const position = sections.length > 1 ? ` (part ${number} of ${sections.length})` : "";
  return { position, text, next: number < sections.length ? number + 1 : undefined };
}

function readPages({ document }: WebPage, from: number, length: number): PagePart | string {
  const { pages = [], pageCount = pages.length } = document;
  if (from > pageCount) return `The document has ${pageCount} pages; page ${from} does not exist.`;
  if (from > pages.length) return `Page ${from} cannot be read: the text of the document ends on page ${pages.length}.`;
  const texts: string[] = [];
  let total = 0;
  for (const { number, start, end } of pages.slice(from - 1)) {
    const text = cutPage(document.text.slice(start, end).trim());
    if (texts.length > 0 && total + text.length > length) break;
    total += text.length;
    texts.push(`[page ${number} of ${pageCount}]\n${text}`);
  }
  const last = from + texts.length - 1;
  const range = texts.length === 1 ? `page ${from}` : `pages ${from} to ${last}`;
  const position = pageCount > 1 ? ` (${range} of ${pageCount})` : "";
  return { position, text: texts.join("\n\n"), next: last < pages.length ? last + 1 : undefined };
}

function cutPage(text: string): string {
  if (text.length <= MAX_DOCUMENT_PAGE_LENGTH) return text;
  return `${splitSections(text, MAX_DOCUMENT_PAGE_LENGTH)[0]!}\n[the rest of this page is left out: find_in_page finds it]`;
}

/** The texts in which passages are found, and what each is called. */
export function listParts(
  { document }: WebPage,
  length: number,
): { texts: string[]; nameOf: (index: number) => string } {
  const { pages, text, pageCount = pages?.length } = document;
  if (pages !== undefined) {
    const texts = pages.map(({ start, end }) => text.slice(start, end));
    return { texts, nameOf: (index) => `(page ${index + 1} of ${pageCount}) ` };
  }
  const texts = splitSections(text, length);
  return { texts, nameOf: (index) => (texts.length > 1 ? `(page ${index + 1}) ` : "") };
}
