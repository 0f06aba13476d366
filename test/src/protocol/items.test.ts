/** The schemas keep every kind of item that openai 7.59.0 knows. */
import type { ResponseCreateParams } from "openai/resources/responses/responses";
import { describe, expect, test } from "vitest";
import { createRequestSchema } from "../../../src/protocol/create-request.ts";
import { inputItemSchema } from "../../../src/protocol/item.ts";
import { toolChoiceSchema, toolSchema } from "../../../src/protocol/tool.ts";
import { ITEMS, text } from "../../support/sdk-samples/items.ts";
import { CHOICES, TOOLS } from "../../support/sdk-samples/tools.ts";

describe("a request keeps", () => {
  test.each(Object.entries(ITEMS))("an item of type %s", (_type, items: object[]) => {
    for (const item of items) expect(inputItemSchema.parse(item)).toEqual(item);
  });

  test.each(Object.entries(TOOLS))("a tool of type %s", (_type, tools: object[]) => {
    for (const tool of tools) expect(toolSchema.parse(tool)).toEqual(tool);
  });

  test.each(CHOICES)("the tool_choice %j", (choice) => {
    expect(toolChoiceSchema.parse(choice)).toEqual(choice);
  });

  test("every parameter", () => {
    const request: Required<ResponseCreateParams> & {
      frequency_penalty: number;
      presence_penalty: number;
      client_metadata: object;
    } = {
      model: "m",
      input: "Hi",
      previous_response_id: null,
      conversation: { id: "conv_1" },
      prompt: { id: "pmpt_1", version: "2", variables: { a: "b", c: text } },
      moderation: { model: "omni", policy: { input: { mode: "score" }, output: null } },
      include: [
        ...(["file_search_call.results", "web_search_call.results", "web_search_call.action.sources"] as const),
        ...(["message.input_image.image_url", "computer_call_output.output.image_url"] as const),
        ...(["code_interpreter_call.outputs", "reasoning.encrypted_content", "message.output_text.logprobs"] as const),
      ],
      tools: [],
      tool_choice: "auto",
      metadata: { a: "b" },
      text: { verbosity: "low" },
      temperature: 1,
      top_p: 1,
      presence_penalty: 1,
      frequency_penalty: -1,
      parallel_tool_calls: false,
      stream: true,
      background: true,
      background_options: { completion_window: "8h", continuation_id: "c" },
      stream_options: { include_obfuscation: false },
      max_output_tokens: 16,
      max_tool_calls: 1,
      reasoning: { effort: "max", summary: "concise", context: "all_turns", mode: "pro" },
      user: "u",
      safety_identifier: "s",
      prompt_cache_key: "k",
      prompt_cache_retention: "24h",
      prompt_cache_options: { mode: "explicit", ttl: "12h", prewarm: true, comparison_response_id: "resp_1" },
      truncation: "auto",
      instructions: "i",
      store: false,
      service_tier: "ultrafast",
      top_logprobs: 5,
      context_management: [{ type: "compaction", compact_threshold: 1_000 }],
      access_programs: { cyber: "standard" },
      image: { context_compression: "auto" },
      client_metadata: { session_id: "s", turn: { id: 1 } },
    };
    expect(createRequestSchema.parse(request)).toEqual(request);
    expect(Object.keys(request).sort()).toEqual(Object.keys(createRequestSchema.shape).sort());
  });
});
