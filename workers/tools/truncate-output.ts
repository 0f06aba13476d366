/**
 * How much of what tools answered is put before the model. One bound for every tool, whatever the tool itself keeps and the
 * client is shown: a cell that prints without end, or many calls side by side, would fill the context window and be paid for
 * in every turn that follows. What is left out is in the middle: a log's end says how it went.
 *
 * The same outputs are cut in the same way each time that they are shown, before a crash and after it.
 */
import type { ToolResult } from "../../src/store/tool-journal.ts";

type Output = ToolResult["output"];

/** Characters of text in one call's output; some 16,000 tokens of prose. */
export const MAX_CALL_CHARACTERS = 64 * 1024;
/** And in those of all calls that a turn asked for. */
const MAX_TURN_CHARACTERS = 4 * MAX_CALL_CHARACTERS;
/** However many calls there are: less says nothing. */
const MIN_CALL_CHARACTERS = 256;

/** In a known window a turn's outputs have as many characters as the window has tokens: about a quarter of it, in prose. */
export function turnOutputLimit(contextWindow: number | undefined): number {
  return Math.min(MAX_TURN_CHARACTERS, contextWindow ?? Infinity);
}

/** Outputs of one turn. Those that are short stay whole; those that are long get the same room each. */
export function truncateOutputs(outputs: readonly Output[], maximum: number): Output[] {
  const room = Math.max(computeShare(outputs.map(textLength), maximum), MIN_CALL_CHARACTERS);
  return outputs.map((output) => truncateOutput(output, Math.min(room, MAX_CALL_CHARACTERS)));
}

/** What was cut before says how long it was: the sentence that is left counts what is missing of all that there was. */
export function truncateMiddle(text: string, maximum: number): string {
  if (text.length <= maximum) return text;
  const total = originalLength(text);
  const room = Math.max(maximum - truncationNote(total, total).length, 0);
  const head = text.slice(0, alignToCharacter(text, Math.ceil(room / 2)));
  const tail = text.slice(alignToCharacter(text, text.length - Math.floor(room / 2)));
  return `${head}${truncationNote(total - head.length - tail.length, total)}${tail}`;
}

/** Its own if the sum is right: a tool may print the same words. */
function originalLength(text: string): number {
  const found = TRUNCATION_NOTE.exec(text);
  if (found === null) return text.length;
  const [whole, left, total] = [found[0], Number(found[1]), Number(found[2])];
  return text.length - whole.length + left === total ? total : text.length;
}

const TRUNCATION_NOTE = /\n\[cut off here: (\d+) of (\d+) characters are left out\]\n/;

function truncationNote(left: number, total: number): string {
  return `\n[cut off here: ${left} of ${total} characters are left out]\n`;
}

function truncateOutput(output: Output, maximum: number): Output {
  if (typeof output === "string") return truncateMiddle(output, maximum);
  if (textLength(output) <= maximum) return output;
  const texts = output.flatMap((part) => (part.type === "input_text" ? [part.text.length] : []));
  const room = Math.max(computeShare(texts, maximum), MIN_CALL_CHARACTERS);
  return output.map((part) => (part.type === "input_text" ? { ...part, text: truncateMiddle(part.text, room) } : part));
}

/** Images are bounded where they are made. */
function textLength(output: Output): number {
  if (typeof output === "string") return output.length;
  return output.reduce((sum, part) => sum + (part.type === "input_text" ? part.text.length : 0), 0);
}

/** The most that each may have so that all of them have no more than the maximum together. */
function computeShare(lengths: readonly number[], maximum: number): number {
  let left = maximum;
  const ascending = lengths.toSorted((a, b) => a - b);
  for (const [place, length] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - place));
    if (length > share) return share;
    left -= length;
  }
  return maximum;
}

/** A place that is not in the middle of a character. */
function alignToCharacter(text: string, place: number): number {
  const isInside = /[\uD800-\uDBFF]/.test(text.charAt(place - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(place));
  return isInside ? place - 1 : place;
}
