/** Counts the tokens of everything that a request shows its model. */
import {
  type ContextItem,
  type ContextSettings,
  type ContextMeasure,
  measureItem,
  measureSettings,
} from "./measure.ts";
import { TokenCounter } from "./tokenizer.ts";

export interface ContextCount {
  /** Instructions, tools, formats and the overall framing. */
  settings: number;
  /** One count per item, in order. */
  items: number[];
  total: number;
}

/** Rejects with the signal's reason when the caller aborts. A long conversation takes a while to count. */
export async function countContext(
  settings: ContextSettings,
  items: readonly ContextItem[],
  signal?: AbortSignal,
): Promise<ContextCount> {
  const count = new TokenCounter();
  const counted: number[] = [];
  const settingsTokens = await countMeasured(count, measureSettings(settings), signal);
  for (const item of items) counted.push(await countMeasured(count, measureItem(item), signal));
  return { settings: settingsTokens, items: counted, total: counted.reduce((sum, each) => sum + each, settingsTokens) };
}

async function countMeasured(
  count: TokenCounter,
  measured: ContextMeasure,
  signal: AbortSignal | undefined,
): Promise<number> {
  let { tokens } = measured;
  for (const text of measured.texts) tokens += await count.countText(text, signal);
  return tokens;
}

/** A token is at least one byte long, and a UTF-16 code unit encodes to at most three bytes. */
const MAX_TOKENS_PER_CHARACTER = 3;

/** Whether the context fits even in the worst case. Most contexts do, and skip the exact count. */
export function certainlyFits(settings: ContextSettings, items: readonly ContextItem[], limit: number): boolean {
  let most = maxTokensOf(measureSettings(settings));
  for (const item of items) {
    if (most > limit) return false;
    most += maxTokensOf(measureItem(item));
  }
  return most <= limit;
}

function maxTokensOf({ texts, tokens }: ContextMeasure): number {
  return texts.reduce((most, text) => most + MAX_TOKENS_PER_CHARACTER * text.length, tokens);
}
