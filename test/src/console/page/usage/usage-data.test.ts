import { expect, test } from "vitest";
import { addUp, type Bucket } from "../../../../../src/console/page/usage/usage-data.ts";
import type { CostResult, UsageResult } from "../../../../../src/protocol/organization/usage.ts";

const used = (project_id: string, model: string, input_tokens: number): UsageResult => ({
  object: "organization.usage.completions.result",
  input_tokens,
  input_cached_tokens: 0,
  output_tokens: 1,
  num_model_requests: 1,
  project_id,
  model,
  user_id: null,
  api_key_id: null,
  batch: null,
  service_tier: null,
});
const paid = (project_id: string, line_item: string, value: number): CostResult => ({
  object: "organization.costs.result",
  amount: { value, currency: "usd" },
  project_id,
  line_item,
});
const usage: Bucket<UsageResult>[] = [
  { start_time: 0, end_time: 1, results: [used("a", "m", 10), used("b", "m", 30)] },
  { start_time: 1, end_time: 2, results: [used("a", "n", 5)] },
];
const costs: Bucket<CostResult>[] = [
  { start_time: 0, end_time: 1, results: [paid("a", "m", 0.5), paid("b", "m", 0.25)] },
];
const nameDay = (start: number): string => `day ${start}`;

test.each([
  ["day", ["day 0: 40 in, $0.75", "day 1: 5 in, $0"]],
  ["project", ["b: 30 in, $0.25", "a: 15 in, $0.5"]],
  ["model", ["m: 40 in, $0.75", "n: 5 in, $0"]],
] as const)("usage is added up by %s", (by, expected) => {
  const rows = addUp(usage, costs, by, nameDay);
  expect(rows.map(({ name, inputTokens, costUsd }) => `${name}: ${inputTokens} in, $${costUsd}`)).toEqual(expected);
});
