/**
 * Cuts a document into the chunks that a search finds (contract.md#vector-stores). A chunk ends and begins where a
 * heading, a paragraph or a sentence does, and repeats the end of the chunk before it.
 */
import type { ChunkingStrategy } from "../../protocol/chunking-strategy.ts";
import { splitIntoUnits, UNIT_STARTS, type Unit } from "./document-units.ts";

/** The parts of a document that was read. Positions are offsets in `text`. */
export interface ChunkableDocument {
  text: string;
  pages?: readonly { number: number; start: number }[] | undefined;
  headings?: readonly { level: number; text: string; start: number }[];
}

export interface Chunk {
  /** Position in the file, from 0. */
  index: number;
  text: string;
  /** The page on which the chunk begins, if the document has pages. */
  page?: number;
  /** The headings above the beginning of the chunk, the highest first, joined with ` > `. */
  heading?: string;
  /** By this server's tokenizer. */
  tokens: number;
}

/** A unit has at most this share of a chunk, so that chunks and overlaps come close to their sizes. */
const UNIT_SHARE = 8;
/** The last part of a chunk in which the best border is chosen. */
const BORDER_SHARE = 0.25;
const MAX_HEADING_CHARACTERS = 300;

/** Rejects with the signal's reason when the caller aborts. Empty for a document without text. */
export async function chunkDocument(
  document: ChunkableDocument,
  { max_chunk_size_tokens: maxTokens, chunk_overlap_tokens: overlap }: ChunkingStrategy,
  signal?: AbortSignal,
): Promise<Chunk[]> {
  const { text, pages = [], headings = [] } = document;
  const starts = headings.map(({ start }) => start);
  const units = await splitIntoUnits(text, starts, Math.floor(maxTokens / UNIT_SHARE), signal);
  const pathOf = headingPaths(headings);
  const findPage = lastBefore(pages);
  const chunks: Chunk[] = [];
  for (let from = 0; from < units.length;) {
    const to = findChunkEnd(units, from, maxTokens);
    const chunkText = text.slice(units[from]!.start, units[to - 1]!.end).trim();
    if (chunkText !== "") {
      const { start } = units[from]!;
      const page = findPage(start)?.number;
      const heading = pathOf(start);
      chunks.push({
        index: chunks.length,
        text: chunkText,
        ...(page !== undefined && { page }),
        ...(heading !== "" && { heading }),
        tokens: sumTokens(units, from, to),
      });
    }
    if (to === units.length) break;
    from = findNextStart(units, from, to, overlap);
  }
  return chunks;
}

/** Returns the index after the chunk's last unit. */
function findChunkEnd(units: readonly Unit[], from: number, maxTokens: number): number {
  let tokens = 0;
  let to = from;
  while (to < units.length && (to === from || tokens + units[to]!.tokens <= maxTokens)) {
    tokens += units[to]!.tokens;
    to += 1;
  }
  if (to === units.length) return to;
  return bestBorder(units, to, Math.max(from, earliestWithin(units, from, to, maxTokens * BORDER_SHARE)));
}

/** The next chunk begins after this one does, and at most `overlap` tokens before its end. */
function findNextStart(units: readonly Unit[], from: number, to: number, overlap: number): number {
  const earliest = Math.max(from + 1, earliestWithin(units, from, to, overlap));
  let best = earliest;
  let tokens = 0;
  // A better border may cost up to half of the overlap.
  for (let at = earliest; at < to && tokens <= overlap / 2; at += 1) {
    if (units[at]!.startsAs > units[best]!.startsAs) best = at;
    tokens += units[at]!.tokens;
  }
  return Math.min(best, to);
}

/** The lowest index from which the units before `to` have at most `tokens` tokens. */
function earliestWithin(units: readonly Unit[], from: number, to: number, tokens: number): number {
  let at = to;
  let sum = 0;
  while (at - 1 > from && sum + units[at - 1]!.tokens <= tokens) {
    at -= 1;
    sum += units[at]!.tokens;
  }
  return at;
}

/** Of the best borders in `earliest`..`to`, the last. */
function bestBorder(units: readonly Unit[], to: number, earliest: number): number {
  let best = to;
  for (let at = to - 1; at > earliest; at -= 1) {
    if (units[at]!.startsAs > units[best]!.startsAs && units[at]!.startsAs >= UNIT_STARTS.paragraph) best = at;
  }
  return best;
}

function sumTokens(units: readonly Unit[], from: number, to: number): number {
  let tokens = 0;
  for (let at = from; at < to; at += 1) tokens += units[at]!.tokens;
  return tokens;
}

/** Finds the headings above a position. Positions must not decrease from call to call. */
function headingPaths(headings: NonNullable<ChunkableDocument["headings"]>): (position: number) => string {
  const open: { level: number; text: string }[] = [];
  let next = 0;
  return (position) => {
    for (; next < headings.length && headings[next]!.start <= position; next += 1) {
      const heading = headings[next]!;
      while (open.length > 0 && open.at(-1)!.level >= heading.level) open.pop();
      open.push(heading);
    }
    return open
      .map(({ text }) => text)
      .join(" > ")
      .slice(0, MAX_HEADING_CHARACTERS);
  };
}

/** Finds the last entry that starts at or before a position. Positions must not decrease from call to call. */
function lastBefore<T extends { start: number }>(entries: readonly T[]): (position: number) => T | undefined {
  let next = 0;
  return (position) => {
    while (next < entries.length && entries[next]!.start <= position) next += 1;
    return entries[next - 1];
  };
}
