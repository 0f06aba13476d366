/** Large parameters: their limits are lengths, and their errors are nested. */
import { missing, repeated, type Row, tooLong, unsupported, wrongType } from "./rows.ts";

const INPUT_MAX = 10_485_760;
const ROLES = ["user", "assistant", "system", "developer"];
const FUNCTION = { type: "function", name: "look" };
const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, repeated(512)]));
const tools = (count: number) => Array.from({ length: count }, () => FUNCTION);
const format = (name: string) => ({ type: "json_schema", name, schema: { type: "object" }, strict: true });
const key = repeated(65);

export const LONG_PARAMETERS = {
  input: {
    accepted: [
      {
        fields: { input: repeated(INPUT_MAX) },
        shown: {},
        sent: {
          input: [{ type: "message", role: "user", content: [{ type: "input_text", text: repeated(INPUT_MAX) }] }],
        },
      },
      {
        fields: { input: [{ role: "user", content: "Hello" }] },
        shown: {},
        sent: { input: [{ type: "message", role: "user", content: "Hello" }] },
      },
    ],
    rejected: [
      tooLong("input", { input: repeated(INPUT_MAX + 1) }, INPUT_MAX),
      wrongType("input", { input: 7 }, "one of a string or an array", "an integer"),
      unsupported("input[0].role", { input: [{ role: "zzz", content: "x" }] }, ROLES),
      missing("input[0].content[0].text", { input: [{ role: "user", content: [{ type: "input_text" }] }] }),
    ],
  },
  include: {
    accepted: [{ fields: { include: [] }, shown: {}, sent: null }],
    rejected: [
      wrongType("include", { include: "all" }, "an array", "a string"),
      unsupported("include[0]", { include: ["zzz"] }, [
        "file_search_call.results",
        "web_search_call.results",
        "web_search_call.action.sources",
        "message.input_image.image_url",
        "computer_call_output.output.image_url",
        "code_interpreter_call.outputs",
        "reasoning.encrypted_content",
        "message.output_text.logprobs",
      ]),
    ],
  },
  tools: {
    accepted: [{ fields: { tools: tools(128) } }],
    rejected: [
      tooLong("tools", { tools: tools(129) }, 128, "array"),
      wrongType("tools", { tools: {} }, "an array", "an object"),
      missing("tools[0].type", { tools: [{}] }),
    ],
  },
  tool_choice: {
    accepted: [{ fields: { tool_choice: "none" } }],
    rejected: [unsupported("tool_choice", { tool_choice: "zzz" }, ["none", "auto", "required"])],
  },
  metadata: {
    accepted: [
      { fields: { metadata: pairs(16) }, sent: null },
      { fields: { metadata: { [repeated(64)]: "" } }, sent: null },
    ],
    rejected: [
      {
        fields: { metadata: pairs(17) },
        param: "metadata",
        code: "object_above_max_properties",
        message:
          "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object with 17 properties instead.",
      },
      tooLong("metadata.k", { metadata: { k: repeated(513) } }, 512),
      {
        fields: { metadata: { [key]: "" } },
        param: `metadata.${key}`,
        code: "property_name_above_max_length",
        message: `Invalid property name in 'metadata': '${key}' is too long. Expected a string with maximum length 64, but got a string with length 65 instead.`,
      },
    ],
  },
  text: {
    accepted: [
      { fields: { text: { verbosity: "low", format: { type: "json_object" } } } },
      { fields: { text: { format: format(repeated(64)) } } },
    ],
    rejected: [
      tooLong("text.format.name", { text: { format: format(repeated(65)) } }, 64),
      missing("text.format.schema", { text: { format: { type: "json_schema", name: "n" } } }),
      unsupported("text.verbosity", { text: { verbosity: "zzz" } }, ["low", "medium", "high"]),
      unsupported("text.format.type", { text: { format: { type: "zzz" } } }, ["text", "json_object", "json_schema"]),
    ],
  },
} satisfies Record<string, Row>;
