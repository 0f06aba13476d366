/** The bodies of `input_tokens` and `compact` give the errors of the same parameters of a response. */
import { expect, test } from "vitest";
import { parseBody } from "../../../../src/http/validation/parse-body.ts";
import { compactRequestSchema } from "../../../../src/protocol/compaction.ts";
import { createRequestSchema } from "../../../../src/protocol/create-request.ts";
import { inputTokensRequestSchema } from "../../../../src/protocol/input-tokens.ts";

/** `compact` takes the same parameters, as far as it has them. */
const BODIES = { input_tokens: inputTokensRequestSchema, compact: compactRequestSchema } as const;

function errorOf(schema: (typeof BODIES)[keyof typeof BODIES], body: object): unknown {
  try {
    return parseBody(schema, { model: "m", ...body });
  } catch (error) {
    return error;
  }
}

test.each([
  ["input_tokens", { input: [{ type: "mesage" }] }, "input[0].type", "invalid_value"],
  ["input_tokens", { input: "x".repeat(10_485_761) }, "input", "string_above_max_length"],
  ["input_tokens", { tools: [{ type: "function" }] }, "tools[0].name", "missing_required_parameter"],
  ["input_tokens", { personality: "x".repeat(65) }, "personality", "string_above_max_length"],
  ["input_tokens", { reasoning: { effort: "much" } }, "reasoning.effort", "invalid_value"],
  ["input_tokens", { stream: true }, "stream", "unknown_parameter"],
  ["compact", { input: 7 }, "input", "invalid_type"],
  ["compact", { prompt_cache_key: "x".repeat(65) }, "prompt_cache_key", "string_above_max_length"],
  ["compact", { prompt_cache_retention: "1h" }, "prompt_cache_retention", "invalid_value"],
  ["compact", { model: null }, "model", "invalid_type"],
  ["compact", { inpt: "Hello" }, "inpt", "unknown_parameter"],
] as const)("%s rejects %j", (name, body, param, code) => {
  expect(errorOf(BODIES[name], body)).toMatchObject({ status: 400, param, code });
});

test.each(Object.entries(BODIES))("of two errors, %s reports the one that create reports", (_name, schema) => {
  const order = Object.keys(createRequestSchema.shape);
  const shared = Object.keys(schema.shape).filter((name) => order.includes(name));
  expect(shared).toEqual(shared.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)));
});

test("input_tokens accepts null for everything", () => {
  const nulls = Object.fromEntries(Object.keys(inputTokensRequestSchema.shape).map((name) => [name, null]));
  expect(parseBody(inputTokensRequestSchema, nulls)).toEqual(nulls);
  expect(parseBody(inputTokensRequestSchema, undefined)).toEqual({});
});
