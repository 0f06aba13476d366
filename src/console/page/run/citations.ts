/** Citations of a text as numbered footnotes. */
import type { MessagePart } from "../../../protocol/content.ts";

export type Annotation = Extract<MessagePart, { type: "output_text" }>["annotations"][number];

/** A page that a text cites. */
export interface Source {
  number: number;
  url: string;
  title: string;
}

export interface CitedText {
  /** The text with a marker after each cited passage. */
  text: string;
  sources: Source[];
}

/** Around a footnote's number. Private characters that Markdown treats as letters; the text itself may have none. */
export const MARK_START = "\uE000";
export const MARK_END = "\uE001";
export const FOOTNOTE_MARK = /\uE000(\d+)\uE001/g;

/**
 * `end_index` counts UTF-16 code units. Models, tools and providers write the indices: one that is outside of the text
 * or in the middle of a link is moved to where a marker does no harm. Equal URLs share a number.
 */
export function citeSources(text: string, annotations: readonly Annotation[]): CitedText {
  const clean = text.replaceAll(/[\uE000\uE001]/g, "\uFFFD");
  const sources = new Map<string, Source>();
  const places: { at: number; number: number }[] = [];
  const links = findLinks(clean);
  for (const annotation of annotations) {
    if (annotation.type !== "url_citation" || toWebUrl(annotation.url) === undefined) continue;
    const { url, title } = annotation;
    let source = sources.get(url);
    if (source === undefined) {
      source = { number: sources.size + 1, url, title: title.trim() === "" ? url : title };
      sources.set(url, source);
    }
    places.push({ at: placeOf(annotation.end_index, clean, links), number: source.number });
  }
  return { text: insertMarks(clean, places), sources: [...sources.values()] };
}

/** Undefined for an address that is not of the web. */
export function toWebUrl(address: string): URL | undefined {
  const url = URL.parse(address);
  return url?.protocol === "http:" || url?.protocol === "https:" ? url : undefined;
}

interface Span {
  start: number;
  end: number;
}

function findLinks(text: string): Span[] {
  return [...text.matchAll(/\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)|https?:\/\/[^\s<>()]+/g)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }));
}

function placeOf(index: number, text: string, links: readonly Span[]): number {
  const at = Math.min(Math.max(0, Math.trunc(index)), text.length);
  let from = 0;
  let to = links.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (links[middle]!.end <= at) from = middle + 1;
    else to = middle;
  }
  const link = links[from];
  return link !== undefined && link.start < at ? link.end : at;
}

function insertMarks(text: string, places: readonly { at: number; number: number }[]): string {
  const inOrder = places.toSorted((a, b) => a.at - b.at || a.number - b.number);
  const parts: string[] = [];
  const placed = new Set<string>();
  let from = 0;
  for (const { at, number } of inOrder) {
    const place = `${at} ${number}`;
    if (placed.has(place)) continue;
    placed.add(place);
    parts.push(text.slice(from, at), MARK_START, String(number), MARK_END);
    from = at;
  }
  return parts.join("") + text.slice(from);
}
