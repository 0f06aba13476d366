/** The text of a document while it is read, within its limits. Blocks are separated by an empty line. */
import type { DocumentHeading } from "../document.ts";
import { type DocumentLimits, MAX_HEADING_LENGTH, MAX_HEADINGS } from "../document-limits.ts";

const BLOCK_BREAK = "\n\n";

export class DocumentText {
  readonly #maxLength: number;
  readonly #maxPages: number;
  readonly #pieces: string[] = [];
  readonly #headings: DocumentHeading[] = [];
  #pageStarts: number[] | undefined;
  #length = 0;
  #isTruncated = false;
  #last: "none" | "line" | "block" = "none";

  constructor({ maxTextLength, maxPages }: DocumentLimits) {
    this.#maxLength = maxTextLength;
    this.#maxPages = maxPages;
  }

  get isFull(): boolean {
    return this.#length >= this.#maxLength;
  }

  get text(): string {
    return this.#pieces.join("");
  }

  get headings(): DocumentHeading[] {
    return this.#headings;
  }

  get pageStarts(): number[] | undefined {
    return this.#pageStarts;
  }

  get isTruncated(): boolean {
    return this.#isTruncated;
  }

  /** Starts a page. Returns false if it may not be read: there are too many, or there is no room for its text. */
  startPage(): boolean {
    this.#pageStarts ??= [];
    if (this.#pageStarts.length >= this.#maxPages || this.isFull) {
      this.#isTruncated = true;
      return false;
    }
    this.#separate("block");
    this.#last = "none";
    this.#pageStarts.push(this.#length);
    return true;
  }

  /** Keeps the indentation of the first line. */
  writeBlock(text: string): void {
    const trimmed = text.trimEnd().replace(/^(?:[ \t]*\n)+/, "");
    if (trimmed === "") return;
    this.#separate("block");
    this.#push(trimmed);
    this.#last = "block";
  }

  /** Writes a line. Lines that follow each other are one block. */
  writeLine(text: string): void {
    const trimmed = text.trim();
    if (trimmed === "") return;
    this.#separate("line");
    this.#push(trimmed);
    this.#last = "line";
  }

  writeHeading(level: number, text: string): void {
    const line = text.replace(/\s+/g, " ").trim();
    if (line === "") return;
    this.#separate("block");
    this.#addHeading(level, line, this.#length);
    this.#push(`${"#".repeat(level)} ${line}`);
    this.#last = "block";
  }

  /** Writes text that has its own headings in Markdown. */
  writeMarkdown(text: string): void {
    const trimmed = text.trim();
    if (trimmed === "") return;
    this.#separate("block");
    for (const { level, text: heading, start } of findMarkdownHeadings(trimmed))
      this.#addHeading(level, heading, this.#length + start);
    this.#push(trimmed);
    this.#last = "block";
  }

  /** Something of the document is left out. */
  markTruncated(): void {
    this.#isTruncated = true;
  }

  #addHeading(level: number, text: string, start: number): void {
    if (this.#headings.length >= MAX_HEADINGS || start >= this.#maxLength) return;
    this.#headings.push({ level, text: text.slice(0, MAX_HEADING_LENGTH), start });
  }

  #separate(before: "line" | "block"): void {
    if (this.#last !== "none") this.#push(before === "line" && this.#last === "line" ? "\n" : BLOCK_BREAK);
  }

  #push(text: string): void {
    const room = this.#maxLength - this.#length;
    const fitting = text.length <= room ? text : cutBefore(text, room);
    if (fitting.length < text.length) this.#isTruncated = true;
    this.#pieces.push(fitting);
    // A cut before a surrogate pair leaves no room for anything else.
    this.#length = fitting.length < text.length ? this.#maxLength : this.#length + fitting.length;
  }
}

/** Cuts between two characters. */
function cutBefore(text: string, length: number): string {
  const unit = text.charCodeAt(length);
  return text.slice(0, unit >= 0xdc00 && unit <= 0xdfff ? length - 1 : length);
}

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const ATX_HEADING = /^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/;
/** The line after a heading's text (CommonMark 0.31 §4.3). */
const SETEXT_UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/;
const MAX_HEADING_LINE = 1_000;

/** Headings outside of fenced code (CommonMark 0.31 §4.2 and §4.3). */
export function findMarkdownHeadings(text: string): DocumentHeading[] {
  const headings: DocumentHeading[] = [];
  let fence: string | undefined;
  let before = { line: "", start: 0 };
  for (let start = 0; start < text.length && headings.length < MAX_HEADINGS;) {
    const end = text.indexOf("\n", start);
    const next = end < 0 ? text.length : end + 1;
    const line = next - start > MAX_HEADING_LINE ? "x" : text.slice(start, next).trimEnd();
    const marks = FENCE.exec(line)?.[1];
    if (fence !== undefined) {
      if (marks?.startsWith(fence) === true) fence = undefined;
    } else if (marks === undefined) {
      const heading = readHeading({ line, start }, before);
      if (heading !== undefined && heading.text !== "") headings.push(heading);
      before = heading === undefined ? { line, start } : { line: "", start };
    } else {
      fence = marks;
    }
    start = next;
  }
  return headings;
}

interface Line {
  line: string;
  start: number;
}

function readHeading({ line, start }: Line, before: Line): DocumentHeading | undefined {
  const [, marks, text] = ATX_HEADING.exec(line) ?? [];
  if (marks !== undefined) return { level: marks.length, text: toPlainText(text!), start };
  const underline = SETEXT_UNDERLINE.exec(line)?.[1];
  if (underline === undefined || before.line.trim() === "" || /^\s*(?:[-*+>|]|\d+[.)])/.test(before.line))
    return undefined;
  return { level: underline.startsWith("=") ? 1 : 2, text: toPlainText(before.line), start: before.start };
}

/** Reduces links to their text, and drops emphasis. */
function toPlainText(markdown: string): string {
  return markdown
    .replace(/!?\[([^[\]]*)\]\([^()]*\)/g, "$1")
    .replace(/[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}/g, "")
    .trim();
}
