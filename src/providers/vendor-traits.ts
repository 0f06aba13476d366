/**
 * The ways in which vendors differ. Code asks about traits; vendor-table.ts says which vendor has which trait, with
 * sources. No other file checks for a vendor by name (test/src/providers/vendor-traits.test.ts). An entry of the
 * providers file names its `vendor`, or the host of its `base_url` does. Operators override single traits in the
 * entry's `traits`.
 */
import { z } from "zod";

/** docs/vendor-traits.md shows these descriptions. */
export const traitsSchema = z.strictObject({
  call_ids: z
    .enum(["any", "up_to_40", "word_characters", "nine_alphanumerics"])
    .describe(
      "Call ids that the vendor accepts. The server replaces any other id with a hash, the same one each time.",
    ),
  call_id_prefix: z
    .string()
    .describe(
      "Prefix of every call id that the vendor's models write. A call id without it comes from another vendor.",
    ),
  think_tags: z
    .enum(["none", "written", "opened"])
    .describe(
      "`written`: an answer that begins with `<think>` is reasoning up to `</think>`. `opened`: the chat template writes `<think>`, so the answer begins as reasoning.",
    ),
  reasoning_sent: z
    .enum(["none", "current_turn", "turns_with_calls"])
    .describe(
      "Reasoning that the server sends back as text: none, the reasoning since the last user message, or that of every turn with calls.",
    ),
  reasoning_field: z
    .enum(["reasoning_content", "reasoning"])
    .describe("Field of an assistant message that holds this text."),
  state_returned: z
    .array(z.enum(["extra_content", "reasoning_details"]))
    .describe(
      "Fields of the vendor's calls (`extra_content`) and messages (`reasoning_details`) that the server returns unchanged to the same model.",
    ),
  unsigned_calls: z
    .enum(["sent", "placeholder"])
    .describe("`placeholder`: calls of another model get the signature that Google documents for this case."),
  late_system: z
    .enum(["sent", "as_user"])
    .describe("`as_user`: a system message that follows another message is sent as a marked user message."),
  same_role: z.enum(["sent", "joined"]).describe("`joined`: consecutive user messages are sent as one."),
  user_after_tool: z
    .enum(["sent", "separated"])
    .describe("`separated`: a short assistant message is inserted between a tool's output and a user message."),
  final_assistant: z
    .enum(["sent", "answered"])
    .describe("`answered`: a short user message is added to a conversation that ends with the assistant."),
  blank_text: z.enum(["sent", "left_out"]).describe("`left_out`: blank texts are not sent."),
  tool_choice_none: z
    .enum(["sent", "without_tools"])
    .describe('`without_tools`: with `tool_choice: "none"`, no tools are sent.'),
  tool_choice_required: z
    .enum(["sent", "auto"])
    .describe("`auto`: sent in place of `required`, which the vendor rejects."),
  tool_choice_named: z
    .enum(["sent", "only_that_tool"])
    .describe("`only_that_tool`: the choice of one tool is sent as `required`, with only that tool."),
  forced_call_thinking: z
    .enum(["sent", "switched_off"])
    .describe(
      "`switched_off`: thinking is disabled when the model must make a call, because the vendor rejects the two together.",
    ),
  unsigned_turn_thinking: z
    .enum(["sent", "switched_off"])
    .describe(
      "`switched_off`: thinking is disabled when the current turn has calls without reasoning that the vendor signed.",
    ),
  thinking_off: z
    .enum(["reasoning_effort", "thinking_disabled"])
    .describe("Field that disables thinking: `reasoning_effort: none`, or `thinking: {type: disabled}`."),
  tool_images: z
    .enum(["sent", "as_user"])
    .describe("`as_user`: images and files of a tool's output are sent in a user message after the outputs."),
  json_schema: z
    .enum(["sent", "as_instruction"])
    .describe("`as_instruction`: `text.format` with a schema is sent as JSON mode, and the schema as an instruction."),
  json_mode: z
    .enum(["sent", "as_instruction"])
    .describe("`as_instruction`: JSON without a schema is sent as an instruction only."),
  max_tokens_field: z
    .enum(["max_tokens", "max_completion_tokens"])
    .describe("Field that limits the length of the answer."),
  parameters_left_out: z.array(z.string().min(1)).describe("Fields that the vendor rejects. They are not sent."),
  strict_tools: z.enum(["sent", "left_out"]).describe("`left_out`: a tool's `strict` is not sent."),
  schema_keywords_left_out: z
    .array(z.string().min(1))
    .describe("JSON Schema keywords that the vendor rejects in a tool's parameters. They are not sent."),
  schema_type_lists: z
    .enum(["sent", "nullable"])
    .describe(
      '`nullable`: `"type": ["string", "null"]` in a tool\'s parameters is sent as one type with `nullable: true`.',
    ),
  documents: z
    .enum(["as_text", "pdf"])
    .describe("`as_text`: the text of a document is sent in its place. `pdf`: PDFs are sent as they are."),
  continuation: z
    .enum(["none", "continue_final_message", "prefix", "assistant_message"])
    .describe("How the server asks the vendor to continue a text. The entry's `continuation` overrides it."),
});

export type VendorTraits = z.infer<typeof traitsSchema>;
export type TraitName = keyof VendorTraits;

/** Defaults for a chat completions server without reported quirks. */
export const DEFAULT_TRAITS: VendorTraits = {
  call_ids: "any",
  call_id_prefix: "",
  think_tags: "none",
  reasoning_sent: "current_turn",
  reasoning_field: "reasoning_content",
  state_returned: ["extra_content", "reasoning_details"],
  unsigned_calls: "sent",
  late_system: "sent",
  same_role: "sent",
  user_after_tool: "sent",
  final_assistant: "sent",
  blank_text: "sent",
  tool_choice_none: "sent",
  tool_choice_required: "sent",
  tool_choice_named: "sent",
  forced_call_thinking: "sent",
  unsigned_turn_thinking: "sent",
  thinking_off: "reasoning_effort",
  tool_images: "sent",
  json_schema: "sent",
  json_mode: "sent",
  max_tokens_field: "max_tokens",
  parameters_left_out: [],
  strict_tools: "sent",
  schema_keywords_left_out: [],
  schema_type_lists: "sent",
  documents: "as_text",
  continuation: "none",
};
