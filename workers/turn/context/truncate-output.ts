/**
 * Limits the tool outputs that a model sees. The journal and the client may have more. Without a limit, a cell that
 * prints endlessly, or many parallel calls, would fill the context window and cost tokens in every later turn.
 *
 * The same outputs are always cut in the same way, before a crash and after it.
 */
import { truncateMiddle } from "../../../src/context-window/truncate-middle.ts";
import type { ToolResult } from "../../../src/store/run-journals.ts";

type Output = ToolResult["output"];

/** Maximum characters of text in one call's output: some 16,000 tokens of prose. */
export const MAX_CALL_CHARACTERS = 64 * 1024;
/** Maximum characters in the outputs of all calls of a turn. */
const MAX_TURN_CHARACTERS = 4 * MAX_CALL_CHARACTERS;
/** A call keeps these even if a turn has too many calls: a shorter output says nothing. */
const MIN_CALL_CHARACTERS = 256;

/** If the window is known, a turn's outputs have at most as many characters as it has tokens: about a quarter of it, in prose. */
export function turnOutputLimit(contextWindow: number | undefined): number {
  return Math.min(MAX_TURN_CHARACTERS, contextWindow ?? Infinity);
}

/** Cuts the outputs of one turn. Short outputs stay whole; long ones share the remaining room equally. */
export function truncateOutputs(outputs: readonly Output[], maximum: number): Output[] {
  const room = Math.max(computeShare(outputs.map(textLength), maximum), MIN_CALL_CHARACTERS);
  return outputs.map((output) => truncateOutput(output, Math.min(room, MAX_CALL_CHARACTERS)));
}

function truncateOutput(output: Output, maximum: number): Output {
  if (typeof output === "string") return truncateMiddle(output, maximum);
  if (textLength(output) <= maximum) return output;
  const texts = output.flatMap((part) => (part.type === "input_text" ? [part.text.length] : []));
  const room = Math.max(computeShare(texts, maximum), MIN_CALL_CHARACTERS);
  return output.map((part) => (part.type === "input_text" ? { ...part, text: truncateMiddle(part.text, room) } : part));
}

/** Images do not count: each tool limits its own. */
function textLength(output: Output): number {
  if (typeof output === "string") return output.length;
  return output.reduce((sum, part) => sum + (part.type === "input_text" ? part.text.length : 0), 0);
}

/** The largest limit per text that keeps the sum of all within the maximum. */
function computeShare(lengths: readonly number[], maximum: number): number {
  let left = maximum;
  const ascending = lengths.toSorted((a, b) => a - b);
  for (const [index, length] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - index));
    if (length > share) return share;
    left -= length;
  }
  return maximum;
}
