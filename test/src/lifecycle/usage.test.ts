import { expect, test } from "vitest";
import { addUsage, NO_USAGE } from "../../../src/lifecycle/usage.ts";

test("every count is added; nothing plus nothing is nothing", () => {
  const usage = (factor: number) => ({
    input_tokens: factor,
    input_tokens_details: { cached_tokens: 2 * factor, cache_write_tokens: 3 * factor },
    output_tokens: 4 * factor,
    output_tokens_details: { reasoning_tokens: 5 * factor },
    total_tokens: 6 * factor,
  });
  expect(addUsage(usage(1), usage(10))).toEqual(usage(11));
  expect(addUsage(NO_USAGE, NO_USAGE)).toEqual(NO_USAGE);
});
