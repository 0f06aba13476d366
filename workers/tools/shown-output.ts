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
export const CALL_MAXIMUM = 64 * 1024;
/** And in those of all calls that a turn asked for. */
const TURN_MAXIMUM = 4 * CALL_MAXIMUM;
/** However many calls there are: less says nothing. */
const CALL_MINIMUM = 256;

/** In a known window a turn's outputs have as many characters as the window has tokens: about a quarter of it, in prose. */
export function turnMaximum(contextWindow: number | undefined): number {
  return Math.min(TURN_MAXIMUM, contextWindow ?? Infinity);
}

/** Outputs of one turn. Those that are short stay whole; those that are long get the same room each. */
export function shownOutputs(outputs: readonly Output[], maximum: number): Output[] {
  const room = Math.max(shareOf(outputs.map(lengthOf), maximum), CALL_MINIMUM);
  return outputs.map((output) => shownOutput(output, Math.min(room, CALL_MAXIMUM)));
}

/** What was cut before says how long it was: the sentence that is left counts what is missing of all that there was. */
export function cutMiddle(text: string, maximum: number): string {
  if (text.length <= maximum) return text;
  const total = totalOf(text);
  const room = Math.max(maximum - sentence(total, total).length, 0);
  const head = text.slice(0, endOf(text, Math.ceil(room / 2)));
  const tail = text.slice(endOf(text, text.length - Math.floor(room / 2)));
  return `${head}${sentence(total - head.length - tail.length, total)}${tail}`;
}

/** Its own if the sum is right: a tool may print the same words. */
function totalOf(text: string): number {
  const found = CUT.exec(text);
  if (found === null) return text.length;
  const [whole, left, total] = [found[0], Number(found[1]), Number(found[2])];
  return text.length - whole.length + left === total ? total : text.length;
}

const CUT = /\n\[cut off here: (\d+) of (\d+) characters are left out\]\n/;

function sentence(left: number, total: number): string {
  return `\n[cut off here: ${left} of ${total} characters are left out]\n`;
}

function shownOutput(output: Output, maximum: number): Output {
  if (typeof output === "string") return cutMiddle(output, maximum);
  if (lengthOf(output) <= maximum) return output;
  const texts = output.flatMap((part) => (part.type === "input_text" ? [part.text.length] : []));
  const room = Math.max(shareOf(texts, maximum), CALL_MINIMUM);
  return output.map((part) => (part.type === "input_text" ? { ...part, text: cutMiddle(part.text, room) } : part));
}

/** Images are bounded where they are made. */
function lengthOf(output: Output): number {
  if (typeof output === "string") return output.length;
  return output.reduce((sum, part) => sum + (part.type === "input_text" ? part.text.length : 0), 0);
}

/** The most that each may have so that all of them have no more than the maximum together. */
function shareOf(lengths: readonly number[], maximum: number): number {
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
function endOf(text: string, place: number): number {
  const isInside = /[\uD800-\uDBFF]/.test(text.charAt(place - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(place));
  return isInside ? place - 1 : place;
}
