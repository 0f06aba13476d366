/** How many tokens a request shows its model. */
import {
  type ContextItem,
  type ContextSettings,
  type ContextMeasure,
  measureItem,
  measureSettings,
} from "./measure.ts";
import { TokenCounter } from "./tokenizer.ts";

export interface ContextCount {
  /** Instructions, tools and formats, and the frame of the whole. */
  settings: number;
  /** Of each item, in their order. */
  items: number[];
  total: number;
}

/** Rejects with the signal's reason once it is aborted: a long conversation takes a while. */
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

/** No token is shorter than a byte, and no character of a string longer than three. */
const MAX_TOKENS_PER_CHARACTER = 3;

/** Whether the context fits whatever its tokens are: most do, and need not be counted. */
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
