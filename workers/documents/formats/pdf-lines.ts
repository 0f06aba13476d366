/**
 * Joins the pieces of text on a page to lines. They stay in the order in which the PDF draws them, which follows columns
 * where a page has several.
 */
import type { TextItem } from "./pdf-types.ts";

/** Lengths are in the PDF's units, along the text's own direction and across it, so that turned pages read the same. */
export interface PdfLine {
  text: string;
  /** Size of most of its characters. */
  size: number;
  start: number;
  end: number;
  /** Grows from line to line. */
  baseline: number;
}

/** Difference of baselines, in sizes, between lines. Superscripts are nearer. */
const NEW_LINE_SHIFT = 0.7;
/** A gap along the line, in sizes, that is a space, and one that separates columns of a table. */
const SPACE_GAP = 0.2;
const COLUMN_GAP = 1.5;

interface Placed {
  text: string;
  size: number;
  start: number;
  end: number;
  baseline: number;
  isRightToLeft: boolean;
}

export function readLines(items: readonly TextItem[]): PdfLine[] {
  const lines: PdfLine[] = [];
  let open: Placed[] = [];
  const close = (): void => {
    const line = joinPieces(open);
    if (line !== undefined) lines.push(line);
    open = [];
  };
  for (const item of items) {
    const piece = place(item);
    const last = open.at(-1);
    if (last !== undefined && piece.text !== "" && isOnNewLine(last, piece)) close();
    if (piece.text !== "") open.push(piece);
    if (item.hasEOL) close();
  }
  close();
  return lines;
}

function place({ str, transform, width, height, dir }: TextItem): Placed {
  const [a = 1, b = 0, c = 0, d = 1, x = 0, y = 0] = transform as number[];
  const scale = Math.hypot(a, b);
  const size = Math.hypot(c, d) || height || scale;
  const [along, across] = scale === 0 ? [1, 0] : [a / scale, b / scale];
  const start = x * along + y * across;
  const baseline = x * across - y * along;
  return { text: str, size, start, end: start + width, baseline, isRightToLeft: dir === "rtl" };
}

function isOnNewLine(last: Placed, next: Placed): boolean {
  return Math.abs(last.baseline - next.baseline) > NEW_LINE_SHIFT * Math.max(last.size, next.size);
}

function joinPieces(pieces: readonly Placed[]): PdfLine | undefined {
  let text = "";
  let last: Placed | undefined;
  const charactersBySize = new Map<number, number>();
  for (const piece of orderRightToLeft(pieces)) {
    text += `${separator(last, piece, text)}${piece.text}`;
    if (piece.text.trim() === "") continue;
    last = piece;
    const size = Math.round(piece.size * 2) / 2;
    charactersBySize.set(size, (charactersBySize.get(size) ?? 0) + piece.text.length);
  }
  const trimmed = cleanText(text);
  if (trimmed === "" || last === undefined) return undefined;
  const [size] = [...charactersBySize].reduce((most, each) => (each[1] > most[1] ? each : most));
  const start = pieces.reduce((least, piece) => Math.min(least, piece.start), Number.POSITIVE_INFINITY);
  const end = pieces.reduce((most, piece) => Math.max(most, piece.end), Number.NEGATIVE_INFINITY);
  return { text: trimmed, size, start, end, baseline: last.baseline };
}

/** Many programs draw Arabic and Hebrew from the left. Each run of them is put in the order of reading. */
function orderRightToLeft(pieces: readonly Placed[]): readonly Placed[] {
  if (!pieces.some(({ isRightToLeft }) => isRightToLeft)) return pieces;
  const ordered: Placed[] = [];
  let run: Placed[] = [];
  const close = (): void => {
    for (const piece of run.toSorted((a, b) => b.start - a.start)) ordered.push(piece);
    run = [];
  };
  for (const piece of pieces) {
    if (piece.isRightToLeft || (run.length > 0 && piece.text.trim() === "")) {
      run.push(piece);
    } else {
      close();
      ordered.push(piece);
    }
  }
  close();
  return ordered;
}

/** pdf.js writes spaces of their own, but not always. */
function separator(last: Placed | undefined, next: Placed, text: string): string {
  if (last === undefined || next.text.trim() === "") return "";
  // Where the direction changes, the distance says nothing.
  if (next.isRightToLeft !== last.isRightToLeft) return "";
  const gap = next.isRightToLeft ? last.start - next.end : next.start - last.end;
  if (gap > COLUMN_GAP * next.size) return " | ";
  if (text.endsWith(" ") || next.text.startsWith(" ")) return "";
  return gap > SPACE_GAP * next.size ? " " : "";
}

/** Ligatures and other presentation forms become their letters (Unicode Standard Annex 15). */
function cleanText(text: string): string {
  return (
    text
      .replace(/[\ufb00-\ufdff\ufe70-\ufefc]+/g, (forms) => forms.normalize("NFKC"))
      .replace(/\u00ad(?=\S)/g, "")
      // oxlint-disable-next-line no-control-regex -- broken fonts map glyphs to control characters
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "")
      .replace(/[ \t\u00a0]+/g, " ")
      .trim()
  );
}
