import { expect, test } from "vitest";
import { computeCostUsd } from "../../../src/providers/price.ts";

const usage = (input: number, cached: number, written: number, output: number) => ({
  input_tokens: input,
  input_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: input + output,
});
const MILLION = 1_000_000;

test.each([
  ["plain tokens", usage(MILLION, 0, 0, MILLION), { input: 2, output: 10 }, 12],
  ["cached tokens at their price", usage(MILLION, MILLION, 0, 0), { input: 2, cached_input: 0.5, output: 10 }, 0.5],
  ["cached tokens without one", usage(MILLION, MILLION, 0, 0), { input: 2, output: 10 }, 2],
  ["written tokens at their price", usage(MILLION, 0, MILLION, 0), { input: 2, cache_write: 3, output: 10 }, 3],
  [
    "all three kinds",
    usage(MILLION, 400_000, 100_000, 0),
    { input: 1, cached_input: 0.1, cache_write: 2, output: 0 },
    0.74,
  ],
  ["more cached tokens than input", usage(0, MILLION, 0, 0), { input: 2, cached_input: 1, output: 10 }, 1],
])("the cost counts %s", (_name, used, price, cost) => {
  expect(computeCostUsd(used, price)).toBeCloseTo(cost, 10);
});
