/**
 * How vendors differ in what they take and give. A trait is what the code asks about; which vendor has it, and who says
 * so, is in vendor-table.ts. No other file asks for a vendor by its name (test/src/providers/vendor-traits.test.ts).
 *
 * A provider's entry names its `vendor`, or the host of its `base_url` does. What an operator knows better goes into the
 * entry's `traits`.
 */
import { z } from "zod";

/** Descriptions are read by the docs (docs/providers.md) too. */
export const traitsSchema = z.strictObject({
  call_ids: z
    .enum(["any", "up_to_40", "word_characters", "nine_alphanumerics"])
    .describe("Which ids of calls it takes. Others are replaced by a hash on their way out, the same one each time."),
  call_id_prefix: z
    .string()
    .describe("How the ids of calls begin that its own models make, if they all do: others are another vendor's."),
  think_tags: z
    .enum(["none", "written", "opened"])
    .describe(
      "`written`: an answer that begins with `<think>` is reasoning up to `</think>`. `opened`: the chat template has written `<think>`, and the answer begins inside it.",
    ),
  reasoning_sent: z
    .enum(["none", "current_turn", "turns_with_calls"])
    .describe(
      "Which reasoning it is given back as text: none, that since the last user message, or that of every turn with calls.",
    ),
  reasoning_field: z
    .enum(["reasoning_content", "reasoning"])
    .describe("The field of an assistant message that this text is in."),
  state_returned: z
    .array(z.enum(["extra_content", "reasoning_details"]))
    .describe(
      "Fields that come with its calls (`extra_content`) and messages (`reasoning_details`), and are given back to the same model as they came.",
    ),
  unsigned_calls: z
    .enum(["sent", "placeholder"])
    .describe("`placeholder`: calls that another model made get the signature that Google documents for them."),
  late_system: z
    .enum(["sent", "as_user"])
    .describe("`as_user`: a system message after the first other message is sent as a marked user message."),
  same_role: z.enum(["sent", "joined"]).describe("`joined`: user messages in a row are sent as one."),
  user_after_tool: z
    .enum(["sent", "separated"])
    .describe("`separated`: a short assistant message is put between a tool's output and a user message."),
  final_assistant: z
    .enum(["sent", "answered"])
    .describe("`answered`: a conversation that ends with the assistant gets a short user message at its end."),
  blank_text: z.enum(["sent", "left_out"]).describe("`left_out`: texts without a letter are not sent."),
  tool_choice_none: z
    .enum(["sent", "without_tools"])
    .describe("`without_tools`: with the choice `none`, the tools are not sent at all."),
  tool_choice_required: z.enum(["sent", "auto"]).describe("`auto`: it refuses `required`, and the model may choose."),
  tool_choice_named: z
    .enum(["sent", "only_that_tool"])
    .describe("`only_that_tool`: a choice of one tool is sent as `required`, with no other tool."),
  forced_call_thinking: z
    .enum(["sent", "switched_off"])
    .describe(
      "`switched_off`: where the model must make a call, it is asked not to think: it refuses the two together.",
    ),
  unsigned_turn_thinking: z
    .enum(["sent", "switched_off"])
    .describe("The same where the calls of the current turn came of reasoning that it has not signed."),
  thinking_off: z
    .enum(["reasoning_effort", "thinking_disabled"])
    .describe(
      "The field of the body by which a model is asked not to think: `reasoning_effort: none`, or `thinking: {type: disabled}`.",
    ),
  tool_images: z
    .enum(["sent", "as_user"])
    .describe("`as_user`: images and files in a tool's output are sent in a user message behind the outputs."),
  json_schema: z
    .enum(["sent", "as_instruction"])
    .describe("`as_instruction`: `text.format` with a schema is JSON mode, and the schema an instruction."),
  json_mode: z.enum(["sent", "as_instruction"]).describe("The same for JSON without a schema."),
  max_tokens_field: z
    .enum(["max_tokens", "max_completion_tokens"])
    .describe("The field of the body that bounds the answer."),
  parameters_left_out: z.array(z.string().min(1)).describe("Fields of the body that it refuses. They are not sent."),
  strict_tools: z.enum(["sent", "left_out"]).describe("`left_out`: the field `strict` of a tool is not sent."),
  schema_keywords_left_out: z
    .array(z.string().min(1))
    .describe("Keywords of JSON schema that it refuses in a tool's parameters. They are not sent."),
  schema_type_lists: z
    .enum(["sent", "nullable"])
    .describe(
      '`nullable`: `"type": ["string", "null"]` in a tool\'s parameters is sent as a type and `nullable: true`.',
    ),
  continuation: z
    .enum(["none", "continue_final_message", "prefix", "assistant_message"])
    .describe("How it is asked to continue a text, unless the entry's `continuation` says otherwise."),
});

export type VendorTraits = z.infer<typeof traitsSchema>;
export type TraitName = keyof VendorTraits;

/** Of a server of chat completions that nobody has reported anything of. */
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
  continuation: "none",
};
