/** How many tokens a request shows its model. */
import { type ContextItem, type ContextSettings, type Measured, measureItem, measureSettings } from "./measure.ts";
import { TokenCount } from "./tokenizer.ts";

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
  const count = new TokenCount();
  const counted: number[] = [];
  const settingsTokens = await tokensOf(count, measureSettings(settings), signal);
  for (const item of items) counted.push(await tokensOf(count, measureItem(item), signal));
  return { settings: settingsTokens, items: counted, total: counted.reduce((sum, each) => sum + each, settingsTokens) };
}

async function tokensOf(count: TokenCount, measured: Measured, signal: AbortSignal | undefined): Promise<number> {
  let { tokens } = measured;
  for (const text of measured.texts) tokens += await count.ofText(text, signal);
  return tokens;
}

/** No token is shorter than a byte, and no character of a string longer than three. */
const MOST_TOKENS_OF_CHARACTER = 3;

/** Whether the context fits whatever its tokens are: most do, and need not be counted. */
export function surelyFits(settings: ContextSettings, items: readonly ContextItem[], limit: number): boolean {
  let most = mostTokens(measureSettings(settings));
  for (const item of items) {
    if (most > limit) return false;
    most += mostTokens(measureItem(item));
  }
  return most <= limit;
}

function mostTokens({ texts, tokens }: Measured): number {
  return texts.reduce((most, text) => most + MOST_TOKENS_OF_CHARACTER * text.length, tokens);
}
