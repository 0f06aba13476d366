/** Writes a page's lines as headings and paragraphs. The sizes of the fonts tell them apart, and the outline. */
import type { DocumentText } from "../process/document-text.ts";
import type { PdfLine } from "./pdf-lines.ts";
import type { OutlineEntry } from "./pdf-outline.ts";

export interface PageStructure {
  /** Sizes of headings, the largest first. */
  sizes: readonly number[];
  /** The outline's entries that lead to the page. */
  outline: readonly OutlineEntry[];
}

/** A heading is larger than the text by this factor. */
const MIN_HEADING_FACTOR = 1.15;
const MAX_HEADING_LENGTH = 200;
const MAX_LEVELS = 4;
/** Share of all characters that a heading's size has at most. */
const MAX_HEADING_SHARE = 0.2;
/** Distance of baselines, in sizes, that separates paragraphs. */
const PARAGRAPH_DISTANCE = 1.8;
/** Share of the widest lines that a line fills if its paragraph continues on the next one. */
const FULL_LINE_SHARE = 0.75;
/** Of all widths on a page, the one that few lines exceed. */
const WIDE_PERCENTILE = 0.85;

export function findHeadingSizes(pages: readonly (readonly PdfLine[])[]): number[] {
  const characters = new Map<number, number>();
  let total = 0;
  for (const { size, text } of pages.flat()) {
    characters.set(size, (characters.get(size) ?? 0) + text.length);
    total += text.length;
  }
  if (total === 0) return [];
  const [body] = [...characters].reduce((most, each) => (each[1] > most[1] ? each : most));
  return [...characters]
    .filter(([size, count]) => size >= body * MIN_HEADING_FACTOR && count <= total * MAX_HEADING_SHARE)
    .map(([size]) => size)
    .toSorted((a, b) => b - a)
    .slice(0, MAX_LEVELS);
}

export function writePage(lines: readonly PdfLine[], structure: PageStructure, text: DocumentText): void {
  const fullWidth = findFullWidth(lines);
  let block: PdfLine[] = [];
  let level: number | undefined;
  const close = (): void => {
    if (block.length === 0) return;
    if (level === undefined) text.writeBlock(joinLines(block, fullWidth));
    else text.writeHeading(level, joinLines(block, 0));
    block = [];
  };
  for (const line of lines) {
    if (text.isFull) break;
    const last = block.at(-1);
    const ownLevel = findLevel(line, structure);
    const isSameBlock = last !== undefined && ownLevel === level && continues(last, line, fullWidth);
    if (!isSameBlock) close();
    level = ownLevel;
    block.push(line);
  }
  close();
}

function findLevel({ text, size }: PdfLine, { sizes, outline }: PageStructure): number | undefined {
  if (text.length > MAX_HEADING_LENGTH || !/\p{L}/u.test(text)) return undefined;
  const entry = outline.find(({ title }) => isSameTitle(text, title));
  if (entry !== undefined) return entry.level;
  const rank = sizes.indexOf(size);
  return rank < 0 ? undefined : rank + 1;
}

/** A document numbers its headings, and its outline may not. */
function isSameTitle(line: string, title: string): boolean {
  const normalize = (text: string) =>
    text
      .normalize("NFKC")
      .toLowerCase()
      .replace(/^[\d.\s]+/, "")
      .replace(/[^\p{L}\p{N}]+/gu, "");
  const key = normalize(title);
  return key !== "" && normalize(line) === key;
}

function findFullWidth(lines: readonly PdfLine[]): number {
  const widths = lines.map(({ start, end }) => end - start).toSorted((a, b) => a - b);
  return widths[Math.floor((widths.length - 1) * WIDE_PERCENTILE)] ?? 0;
}

/** At the top of the next column, a paragraph continues if its last line was full and no sentence ended there. */
function continues(last: PdfLine, line: PdfLine, fullWidth: number): boolean {
  if (last.size !== line.size) return false;
  const distance = line.baseline - last.baseline;
  if (distance >= 0) return distance <= PARAGRAPH_DISTANCE * line.size;
  return isFull(last, fullWidth) && !/[.!?。！？:]["'”’)]?$/.test(last.text);
}

function isFull({ start, end }: PdfLine, fullWidth: number): boolean {
  return end - start >= fullWidth * FULL_LINE_SHARE;
}

const SPACELESS = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}　-〿！-｠]/u;
const LIST_ITEM = /^(?:[•▪◦‣·*–-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s/;

/** Lines of a paragraph become one. A line that is not full ends there: of a list, a table, a poem. */
function joinLines(lines: readonly PdfLine[], fullWidth: number): string {
  let joined = "";
  let last: PdfLine | undefined;
  for (const line of lines) {
    if (last === undefined) joined = line.text;
    else if (!isFull(last, fullWidth) || LIST_ITEM.test(line.text) || line.text.includes(" | "))
      joined += `\n${line.text}`;
    else if (/\p{Ll}[-‐]$/u.test(joined) && /^\p{Ll}/u.test(line.text)) joined = joined.slice(0, -1) + line.text;
    else if (SPACELESS.test(joined.slice(-1)) && SPACELESS.test(line.text.slice(0, 1))) joined += line.text;
    else joined += ` ${line.text}`;
    last = line;
  }
  return joined;
}
