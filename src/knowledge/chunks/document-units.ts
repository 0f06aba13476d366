/**
 * Splits a text into units, the smallest parts that a chunk can begin or end with: sentences and lines, and pieces of
 * those that are long.
 */
import { TimeSlice } from "../../concurrency/time-slice.ts";
import { TokenCounter } from "../../context-window/tokenizer.ts";

/** How well a chunk may begin with a unit. */
export const UNIT_STARTS = { piece: 0, sentence: 1, paragraph: 2, heading: 3 } as const;

export interface Unit {
  start: number;
  end: number;
  tokens: number;
  startsAs: (typeof UNIT_STARTS)[keyof typeof UNIT_STARTS];
}

/** ICU's rules need no language here. A line break always ends a sentence. */
const SENTENCES = new Intl.Segmenter("en", { granularity: "sentence" });
const PARAGRAPH_BREAK = /\n[^\S\n]*\n\s*/g;
/** Bounds the text that one call of the segmenter copies. */
const MAX_SEGMENTED = 64 * 1024;
/** Characters before a cut in which to look for a space. */
const SPACE_WINDOW = 64;

/**
 * In order and without gaps. Each unit has at most about `maxTokens` tokens. `headings` are the positions of the text's
 * headings, in order.
 */
export async function splitIntoUnits(
  text: string,
  headings: readonly number[],
  maxTokens: number,
  signal?: AbortSignal,
): Promise<Unit[]> {
  const counter = new TokenCounter(Number.MAX_SAFE_INTEGER);
  const headingStarts = new Set(headings);
  const slice = new TimeSlice();
  const units: Unit[] = [];
  for (const [paragraphStart, paragraphEnd] of listParagraphs(text)) {
    for (const [start, end] of listSentences(text, paragraphStart, paragraphEnd)) {
      if (slice.isOver) await slice.yieldToOthers();
      signal?.throwIfAborted();
      const tokens = await counter.countText(text.slice(start, end), signal);
      const opening = start === paragraphStart ? UNIT_STARTS.paragraph : UNIT_STARTS.sentence;
      const startsAs = headingStarts.has(start) ? UNIT_STARTS.heading : opening;
      addUnits(units, text, { start, end, tokens, startsAs }, maxTokens);
    }
  }
  return units;
}

/** The blank lines after a paragraph belong to it. */
function* listParagraphs(text: string): Generator<[start: number, end: number]> {
  let start = 0;
  for (const match of text.matchAll(PARAGRAPH_BREAK)) {
    const end = match.index + match[0].length;
    yield [start, end];
    start = end;
  }
  if (start < text.length) yield [start, text.length];
}

function* listSentences(text: string, from: number, to: number): Generator<[start: number, end: number]> {
  for (let start = from; start < to;) {
    const end = to - start > MAX_SEGMENTED ? findCut(text, start, start + MAX_SEGMENTED) : to;
    for (const { index, segment } of SENTENCES.segment(text.slice(start, end))) {
      yield [start + index, start + index + segment.length];
    }
    start = end;
  }
}

/** Cuts a long unit into pieces of about equal size. */
function addUnits(units: Unit[], text: string, unit: Unit, maxTokens: number): void {
  const pieces = Math.ceil(unit.tokens / maxTokens);
  if (pieces <= 1) {
    units.push(unit);
    return;
  }
  const characters = Math.ceil((unit.end - unit.start) / pieces);
  const tokensPerCharacter = unit.tokens / (unit.end - unit.start);
  let { startsAs }: Unit = unit;
  for (let { start } = unit; start < unit.end;) {
    const end = unit.end - start <= characters ? unit.end : findCut(text, start, start + characters);
    units.push({ start, end, tokens: Math.ceil((end - start) * tokensPerCharacter), startsAs });
    startsAs = UNIT_STARTS.piece;
    start = end;
  }
}

/** A position shortly before `end` where a line or a word ends, or else one that splits no character. */
function findCut(text: string, start: number, end: number): number {
  const window = text.slice(Math.max(start + 1, end - SPACE_WINDOW), end);
  const from = end - window.length;
  const line = window.lastIndexOf("\n");
  const space = line >= 0 ? line : window.search(/\s\S*$/);
  if (space >= 0) return from + space + 1;
  const code = text.charCodeAt(end);
  const isLowSurrogate = code >= 0xdc00 && code <= 0xdfff;
  return isLowSurrogate && end - 1 > start ? end - 1 : end;
}
