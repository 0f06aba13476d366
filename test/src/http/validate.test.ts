/** One row a fault: what is sent, and the contract's exact answer (contract 03 §3.4, errors.json). */
import { expect, test } from "vitest";
import { parseCreateRequest } from "../../../src/http/validate.ts";
import { ApiError } from "../../../src/lifecycle/errors.ts";
import { ProviderCatalog } from "../../../src/providers/catalog.ts";

const catalog = new ProviderCatalog([{ name: "simulator", kind: "simulator" }]);
const valid = { model: "simulator/default", input: "Hi" };

function faultOf(body: unknown): ApiError {
  try {
    parseCreateRequest(body, catalog);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("The request was accepted.");
}

const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"]));

test.each<[string, unknown, string | null, string | null, string]>([
  ["no model", { input: "Hi" }, "model", "missing_required_parameter", "Missing required parameter: 'model'."],
  ["no body", {}, "model", "missing_required_parameter", "Missing required parameter: 'model'."],
  ["no input", { model: "m" }, "input", "missing_required_parameter", "Missing required parameter: 'input'."],
  [
    "empty input",
    { ...valid, input: "" },
    null,
    "missing_required_parameter",
    `One of "input" or "previous_response_id" or 'prompt' or 'conversation' must be provided.`,
  ],
  ["unknown key", { ...valid, zzz: 1 }, "zzz", "unknown_parameter", "Unknown parameter: 'zzz'."],
  [
    "key with a typo",
    { ...valid, stroe: true },
    "stroe",
    "unknown_parameter",
    "Unknown parameter: 'stroe'. Did you mean 'store'?",
  ],
  ["key before field", { ...valid, store: 1, zzz: 1 }, "zzz", "unknown_parameter", "Unknown parameter: 'zzz'."],
  [
    "boolean",
    { ...valid, background: "yes" },
    "background",
    "invalid_type",
    "Invalid type for 'background': expected a boolean, but got a string instead.",
  ],
  [
    "integer",
    { ...valid, max_output_tokens: 16.5 },
    "max_output_tokens",
    "invalid_type",
    "Invalid type for 'max_output_tokens': expected an integer, but got a decimal number instead.",
  ],
  [
    "integer below",
    { ...valid, max_output_tokens: 8 },
    "max_output_tokens",
    "integer_below_min_value",
    "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 8 instead.",
  ],
  [
    "decimal above",
    { ...valid, temperature: 3 },
    "temperature",
    "decimal_above_max_value",
    "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
  ],
  [
    "decimal below",
    { ...valid, top_p: -1 },
    "top_p",
    "decimal_below_min_value",
    "Invalid 'top_p': decimal below minimum value. Expected a value >= 0, but got -1 instead.",
  ],
  [
    "enum",
    { ...valid, service_tier: "bogus" },
    "service_tier",
    "invalid_value",
    "Invalid value: 'bogus'. Supported values are: 'auto', 'default', 'flex', 'scale', 'priority', 'fast', and 'ultrafast'.",
  ],
  [
    "17 pairs",
    { ...valid, metadata: pairs(17) },
    "metadata",
    "object_above_max_properties",
    "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object with 17 properties instead.",
  ],
  [
    "long value",
    { ...valid, metadata: { k: "x".repeat(600) } },
    "metadata.k",
    "string_above_max_length",
    "Invalid 'metadata.k': string too long. Expected a string with maximum length 512, but got a string with length 600 instead.",
  ],
  [
    "long key",
    { ...valid, metadata: { ["k".repeat(70)]: "x" } },
    `metadata.${"k".repeat(70)}`,
    "property_name_above_max_length",
    `Invalid property name in 'metadata': '${"k".repeat(70)}' is too long. Expected a string with maximum length 64, but got a string with length 70 instead.`,
  ],
  [
    "metadata a string",
    { ...valid, metadata: "x" },
    "metadata",
    "invalid_type",
    "Invalid type for 'metadata': expected a metadata object, but got a string instead.",
  ],
  [
    "input a number",
    { ...valid, input: 3 },
    "input",
    "invalid_type",
    "Invalid type for 'input': expected one of a string or an array, but got an integer instead.",
  ],
  [
    "item a number",
    { ...valid, input: [3] },
    "input[0]",
    "invalid_type",
    "Invalid type for 'input[0]': expected an object, but got an integer instead.",
  ],
  [
    "item without type",
    { ...valid, input: [{}] },
    "input[0].type",
    "missing_required_parameter",
    "Missing required parameter: 'input[0].type'.",
  ],
  [
    "item of no kind",
    { ...valid, input: [{ type: "zzz" }] },
    "input[0].type",
    "invalid_value",
    "Invalid value: 'zzz'. Supported values are: 'message', 'function_call', 'function_call_output', and 'reasoning'.",
  ],
  [
    "part without text",
    { ...valid, input: [{ role: "user", content: [{ type: "input_text" }] }] },
    "input[0].content[0].text",
    "missing_required_parameter",
    "Missing required parameter: 'input[0].content[0].text'.",
  ],
  [
    "role",
    { ...valid, input: [{ role: "robot", content: "x" }] },
    "input[0].role",
    "invalid_value",
    "Invalid value: 'robot'. Supported values are: 'user', 'assistant', 'system', and 'developer'.",
  ],
  [
    "tool name",
    { ...valid, tools: [{ type: "function", name: "a b" }] },
    "tools[0].name",
    "invalid_value",
    "Invalid 'tools[0].name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
  ],
  [
    "tool choice",
    { ...valid, tool_choice: "sometimes" },
    "tool_choice",
    "invalid_value",
    "Invalid value: 'sometimes'. Supported values are: 'none', 'auto', and 'required'.",
  ],
  [
    "schema without name",
    { ...valid, text: { format: { type: "json_schema", schema: {} } } },
    "text.format.name",
    "missing_required_parameter",
    "Missing required parameter: 'text.format.name'.",
  ],
  [
    "known, not served",
    { ...valid, conversation: "conv_1" },
    "conversation",
    "unsupported_parameter",
    "Unsupported parameter: 'conversation' is not supported by this server yet.",
  ],
  ["empty model", { ...valid, model: "" }, "model", "model_not_found", "The requested model '' does not exist."],
  [
    "unknown model",
    { ...valid, model: "gpt-nope" },
    null,
    "model_not_found",
    "The model `gpt-nope` does not exist or you do not have access to it.",
  ],
  ["an array", [], "body", "invalid_type", "Invalid type for 'body': expected an object, but got an array instead."],
  ["nothing", undefined, "model", "missing_required_parameter", "Missing required parameter: 'model'."],
])("%s", (_name, body, param, code, message) => {
  const fault = faultOf(body);
  expect({ param: fault.param, code: fault.code, message: fault.message }).toEqual({ param, code, message });
});

test.each([
  ["16 pairs", { metadata: pairs(16) }],
  ["a value of 512", { metadata: { k: "x".repeat(512) } }],
  ["a key of 64", { metadata: { ["k".repeat(64)]: "x" } }],
  ["max_output_tokens of 16", { max_output_tokens: 16 }],
  ["temperature of 2", { temperature: 2 }],
  [
    "nulls for defaults",
    { store: null, background: null, tools: null, metadata: null, text: null, instructions: null },
  ],
  ["an untyped message", { input: [{ role: "user", content: "Hi" }] }],
  [
    "an image",
    { input: [{ role: "user", content: [{ type: "input_image", image_url: "data:image/png;base64,AA==" }] }] },
  ],
])("%s is accepted", (_name, fields) => {
  expect(parseCreateRequest({ ...valid, ...fields }, catalog)).toMatchObject({ model: "simulator/default" });
});
