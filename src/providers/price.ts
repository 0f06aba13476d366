/** The cost of a model call, from the prices of the providers file. */
import { z } from "zod";
import type { Usage } from "../protocol/response.ts";

const usdPerMillion = z.number().min(0);

/** US dollars per million tokens. Cached and cache-write tokens are input tokens; without a price they cost as much. */
export const modelPriceSchema = z.strictObject({
  input: usdPerMillion,
  cached_input: usdPerMillion.optional(),
  cache_write: usdPerMillion.optional(),
  output: usdPerMillion,
});
export type ModelPrice = z.infer<typeof modelPriceSchema>;

const TOKENS_PER_PRICE = 1_000_000;

/** In US dollars. */
export function computeCostUsd(usage: Usage, price: ModelPrice): number {
  const { cached_tokens, cache_write_tokens } = usage.input_tokens_details;
  const plainTokens = Math.max(0, usage.input_tokens - cached_tokens - cache_write_tokens);
  const cost =
    plainTokens * price.input +
    cached_tokens * (price.cached_input ?? price.input) +
    cache_write_tokens * (price.cache_write ?? price.input) +
    usage.output_tokens * price.output;
  return cost / TOKENS_PER_PRICE;
}
