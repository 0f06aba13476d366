/** One row per error: the request, and the contract's exact answer (contract.md#error-catalogue). */
import { describe, expect, test } from "vitest";
import { parseCreateRequest } from "../../../../src/http/validation/create-request.ts";
import { ApiError } from "../../../../src/lifecycle/errors/api-error.ts";
import { ProviderCatalog } from "../../../../src/providers/catalog.ts";

const catalog = new ProviderCatalog([{ name: "simulator", kind: "simulator" }]);
const valid = { model: "simulator/default", input: "Hi" };

function errorOf(body: unknown): ApiError {
  try {
    parseCreateRequest(body, catalog);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("The request was accepted.");
}

/** In the order in which they are named. */
const ITEM_TYPES = [
  "message",
  "function_call",
  "function_call_output",
  "reasoning",
  "item_reference",
  "custom_tool_call",
  "custom_tool_call_output",
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "computer_call",
  "computer_call_output",
  "local_shell_call",
  "local_shell_call_output",
  "shell_call",
  "shell_call_output",
  "apply_patch_call",
  "apply_patch_call_output",
  "mcp_list_tools",
  "mcp_approval_request",
  "mcp_approval_response",
  "mcp_call",
  "tool_search_call",
  "tool_search_output",
  "additional_tools",
  "configuration_update",
  "compaction",
  "compaction_trigger",
  "program",
  "program_output",
].map((type) => `'${type}'`);

const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"]));

test.each<[string, unknown, string | null, string | null, string]>([
  ["no model", { input: "Hi" }, "model", "missing_required_parameter", "Missing required parameter: 'model'."],
  ["no body", {}, "model", "missing_required_parameter", "Missing required parameter: 'model'."],
  [
    "no model and no prompt",
    { input: "Hi", prompt: null },
    "model",
    "missing_required_parameter",
    "Missing required parameter: 'model'.",
  ],
  [
    "empty model beside a prompt",
    { prompt: { id: "pmpt_1" }, model: "" },
    "model",
    "model_not_found",
    "The requested model '' does not exist.",
  ],
  [
    "a variable that is a number",
    { ...valid, prompt: { id: "pmpt_1", variables: { a: 1 } } },
    "prompt.variables.a",
    "invalid_type",
    "Invalid type for 'prompt.variables.a': expected one of a string or an object, but got an integer instead.",
  ],
  [
    "a variable of an unknown kind",
    { ...valid, prompt: { id: "pmpt_1", variables: { a: { type: "input_audio" } } } },
    "prompt.variables.a.type",
    "invalid_value",
    "Invalid value: 'input_audio'. Supported values are: 'input_text', 'input_image', and 'input_file'.",
  ],
  [
    "a variable named __proto__",
    { ...valid, prompt: { id: "pmpt_1", variables: JSON.parse('{"__proto__": "x"}') } },
    "prompt.variables.__proto__",
    "unknown_parameter",
    "Unknown parameter: 'prompt.variables.__proto__'.",
  ],
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
  [
    "window without background",
    { ...valid, background_options: { completion_window: "2h" } },
    "background_options.completion_window",
    "unsupported_value",
    "Unsupported value: 'background_options.completion_window' does not support '2h' without 'background': true.",
  ],
  [
    "background before its options",
    { ...valid, max_output_tokens: 1, background_options: { zzz: 1 }, background: 1 },
    "background",
    "invalid_type",
    "Invalid type for 'background': expected a boolean, but got an integer instead.",
  ],
  [
    "background options before later parameters",
    { ...valid, max_output_tokens: 1, background_options: { zzz: 1 } },
    "background_options.zzz",
    "unknown_parameter",
    "Unknown parameter: 'background_options.zzz'.",
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
    "item of an unknown kind",
    { ...valid, input: [{ type: "zzz" }] },
    "input[0].type",
    "invalid_value",
    `Invalid value: 'zzz'. Supported values are: ${ITEM_TYPES.slice(0, -1).join(", ")}, and ${ITEM_TYPES.at(-1)}.`,
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
    "an integer above",
    { ...valid, top_logprobs: 64 },
    "top_logprobs",
    "integer_above_max_value",
    "Invalid 'top_logprobs': integer above maximum value. Expected a value <= 20, but got 64 instead.",
  ],
  [
    "enum of two",
    { ...valid, truncation: "bogus" },
    "truncation",
    "invalid_value",
    "Invalid value: 'bogus'. Supported values are: 'auto' and 'disabled'.",
  ],
  [
    "two contexts",
    { ...valid, conversation: "conv_1", previous_response_id: "resp_1" },
    null,
    "mutually_exclusive_parameters",
    "Mutually exclusive parameters: ''. Ensure you are only providing one of: 'previous_response_id' or 'conversation'.",
  ],
  [
    "prompt without id",
    { ...valid, prompt: {} },
    "prompt.id",
    "missing_required_parameter",
    "Missing required parameter: 'prompt.id'.",
  ],
  [
    "content that only the assistant writes",
    { ...valid, input: [{ role: "user", content: [{ type: "output_text", text: "x" }] }] },
    "input[0].content[0].type",
    "invalid_value",
    "Invalid value: 'output_text'. Supported values are: 'input_text', 'input_image', and 'input_file'.",
  ],
  [
    "generate_summary",
    { ...valid, reasoning: { generate_summary: "auto" } },
    "reasoning.generate_summary",
    "unknown_parameter",
    "Unknown parameter: 'reasoning.generate_summary'.",
  ],
  [
    "the first error in the contract's order, not the body's",
    { ...valid, top_logprobs: -1, service_tier: "bogus", include: "all", temperature: 3 },
    "include",
    "invalid_type",
    "Invalid type for 'include': expected an array, but got a string instead.",
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
  const error = errorOf(body);
  expect(error.toEnvelope()).toEqual({ error: { type: "invalid_request_error", param, code, message } });
  expect(error.status).toBe(code === "model_not_found" && param === null ? 404 : 400);
});

const text = (length: number) => "x".repeat(length);
const list = (length: number, of: unknown) => Array.from({ length }, () => of);
const search = (fields: object) => ({ tools: [{ type: "file_search", vector_store_ids: ["vs_1"], ...fields }] });
const picture = (fields: object) => ({ tools: [{ type: "image_generation", ...fields }] });
const tool = (name: string) => ({ tools: [{ type: "function", name }] });
const call = (call_id: string) => ({ input: [{ type: "function_call_output", call_id, output: "x" }] });
const format = (name: string) => ({ text: { format: { type: "json_schema", name, schema: {} } } });

test.each<[string, object[], object[]]>([
  ["metadata's pairs", [{ metadata: {} }, { metadata: pairs(16) }], [{ metadata: pairs(17) }]],
  ["metadata's keys", [{ metadata: { [text(64)]: "" } }], [{ metadata: { [text(65)]: "" } }]],
  ["metadata's values", [{ metadata: { k: text(512) } }], [{ metadata: { k: text(513) } }]],
  ["max_output_tokens", [{ max_output_tokens: 16 }], [{ max_output_tokens: 15 }]],
  ["max_tool_calls", [{ max_tool_calls: 1 }], [{ max_tool_calls: 0 }]],
  ["temperature", [{ temperature: 0 }, { temperature: 2 }], [{ temperature: -0.01 }, { temperature: 2.01 }]],
  ["top_p", [{ top_p: 0 }, { top_p: 1 }], [{ top_p: -0.01 }, { top_p: 1.01 }]],
  ["top_logprobs", [{ top_logprobs: 0 }, { top_logprobs: 20 }], [{ top_logprobs: -1 }, { top_logprobs: 21 }]],
  [
    "presence_penalty",
    [{ presence_penalty: -2 }, { presence_penalty: 2 }],
    [{ presence_penalty: -2.01 }, { presence_penalty: 2.01 }],
  ],
  [
    "frequency_penalty",
    [{ frequency_penalty: -2 }, { frequency_penalty: 2 }],
    [{ frequency_penalty: -2.01 }, { frequency_penalty: 2.01 }],
  ],
  ["safety_identifier", [{ safety_identifier: text(128) }], [{ safety_identifier: text(129) }]],
  ["prompt_cache_key", [{ prompt_cache_key: text(64) }], [{ prompt_cache_key: text(65) }]],
  ["input", [{ input: text(10_485_760) }], [{ input: text(10_485_761) }]],
  ["tools", [{ tools: list(128, tool("f").tools[0]) }], [{ tools: list(129, tool("f").tools[0]) }]],
  ["a function's name", [tool("f"), tool(text(128))], [tool(""), tool(text(129))]],
  ["call_id", [call("c"), call(text(64))], [call(""), call(text(65))]],
  ["text.format.name", [format(text(64))], [format(text(65))]],
  [
    "max_num_results",
    [search({ max_num_results: 1 }), search({ max_num_results: 50 })],
    [search({ max_num_results: 0 }), search({ max_num_results: 51 })],
  ],
  [
    "score_threshold",
    [search({ ranking_options: { score_threshold: 0 } }), search({ ranking_options: { score_threshold: 1 } })],
    [search({ ranking_options: { score_threshold: -0.1 } }), search({ ranking_options: { score_threshold: 1.1 } })],
  ],
  [
    "partial_images",
    [picture({ partial_images: 0 }), picture({ partial_images: 3 })],
    [picture({ partial_images: 4 })],
  ],
  ["output_compression", [picture({ output_compression: 100 })], [picture({ output_compression: 101 })]],
])("%s: a value at the bound is accepted, one beyond it is not", (_name, inside, outside) => {
  for (const fields of inside) expect(parseCreateRequest({ ...valid, ...fields }, catalog)).toMatchObject({});
  for (const fields of outside) {
    const error = errorOf({ ...valid, ...fields });
    expect(error).toMatchObject({ status: 400, code: expect.stringMatching(/_(above_max|below_min)_/) });
    expect(error.param?.split(/[.[]/)[0]).toBe(Object.keys(fields)[0]);
  }
});

test.each([
  ["integers", { ...valid, max_tool_calls: 0 }, "integer_below_min_value"],
  ["integers within", { ...valid, ...search({ max_num_results: 51 }) }, "integer_above_max_value"],
  ["decimals", { ...valid, presence_penalty: 3 }, "decimal_above_max_value"],
  ["texts", { ...valid, prompt_cache_key: text(65) }, "string_above_max_length"],
  ["lists", { ...valid, tools: list(129, tool("f").tools[0]) }, "array_above_max_length"],
])("bounds of %s have a code of their own", (_name, body, code) => {
  expect(errorOf(body).code).toBe(code);
});

test.each<[param: string, fields: object]>([
  ["text.formt", { text: { formt: { type: "text" } } }],
  ["text.format.zzz", { text: { format: { type: "json_schema", name: "a", schema: {}, zzz: 1 } } }],
  ["reasoning.efort", { reasoning: { efort: "low" } }],
  ["stream_options.zzz", { stream_options: { zzz: 1 } }],
  ["conversation.zzz", { conversation: { id: "conv_1", zzz: 1 } }],
  ["prompt.zzz", { prompt: { id: "pmpt_1", zzz: 1 } }],
  ["context_management[0].zzz", { context_management: [{ type: "compaction", zzz: 1 }] }],
  ["moderation.policy.zzz", { moderation: { model: "m", policy: { zzz: {} } } }],
  ["prompt_cache_options.zzz", { prompt_cache_options: { zzz: 1 } }],
  ["tool_choice.zzz", { tool_choice: { type: "function", name: "f", zzz: 1 } }],
  ["tools[0].paramters", { tools: [{ type: "function", name: "f", paramters: {} }] }],
  [
    "tools[0].require_approval.alwayss",
    {
      tools: [{ type: "mcp", server_label: "a", server_url: "https://a.example", require_approval: { alwayss: {} } }],
    },
  ],
  ["tools[0].filters.zzz", { tools: [{ type: "web_search", filters: { zzz: [] } }] }],
])("unknown key: %s", (param, fields) => {
  const error = errorOf({ ...valid, ...fields });
  expect(error).toMatchObject({ param, code: "unknown_parameter", message: `Unknown parameter: '${param}'.` });
});

test.each([
  [
    "unknown keys in items and contents: clients add their own",
    {
      input: [
        { role: "user", content: [{ type: "input_text", text: "x", zzz: 1 }], zzz: 1 },
        { type: "function_call", call_id: "c", name: "f", arguments: "{}", parsed_arguments: {} },
        { type: "function_call_output", call_id: "c", output: "x" },
      ],
    },
  ],
  [
    "null for each default",
    {
      store: null,
      background: null,
      tools: null,
      metadata: null,
      text: null,
      instructions: null,
      conversation: null,
      prompt: null,
      context_management: null,
      include: null,
      user: null,
    },
  ],
  ["a prompt, without an input", { input: undefined, prompt: { id: "pmpt_1", variables: { a: "b" } } }],
  ["a prompt with empty input", { input: "", prompt: { id: "pmpt_1", variables: null, version: null } }],
  ["an untyped message", { input: [{ role: "user", content: "Hi" }] }],
  ["an untyped reference", { input: [{ id: "msg_1" }, { id: "msg_2", type: null }] }],
  [
    "an image",
    { input: [{ role: "user", content: [{ type: "input_image", image_url: "data:image/png;base64,AA==" }] }] },
  ],
])("%s is accepted", (_name, fields) => {
  expect(parseCreateRequest({ ...valid, ...fields }, catalog)).toMatchObject({ model: "simulator/default" });
});

test("a request with a prompt may leave out the model", () => {
  expect(parseCreateRequest({ prompt: { id: "pmpt_1" } }, catalog)).toEqual({ prompt: { id: "pmpt_1" } });
});

describe("a long input", () => {
  const good = { role: "user", content: "Hello" };
  const items = (index: number, item: unknown) => Array.from({ length: 2_000 }, (_, i) => (i === index ? item : good));

  test("gives the same result as a short one, item by item", () => {
    const { input } = parseCreateRequest({ ...valid, input: items(-1, undefined) }, catalog);
    expect(input).toHaveLength(2_000);
    expect(input![1_234]).toEqual(parseCreateRequest({ ...valid, input: [good] }, catalog).input![0]);
  });

  test.each([
    ["a wrong role", { input: items(1_234, { role: "nobody", content: "" }) }, "input[1234].role"],
    ["a wrong content", { input: items(700, { role: "user", content: 7 }) }, "input[700].content"],
    ["an earlier parameter", { input: items(1, 7), model: 7 }, "model"],
    ["the input before a later parameter", { input: items(1_999, 7), temperature: 9 }, "input[1999]"],
    ["a later parameter", { input: items(-1, undefined), temperature: 9 }, "temperature"],
  ])("reports its first error: %s", (_, fields, param) => {
    expect(errorOf({ ...valid, ...fields }).param).toBe(param);
  });

  test("with every item wrong is rejected for its first", () => {
    const input = Array.from({ length: 100_000 }, () => ({ type: "nothing" }));
    expect(errorOf({ ...valid, input }).param).toBe("input[0].type");
  });
});
