/** What a provider is asked. */
import { describe, expect, test } from "vitest";
import { toStoredInput } from "../../../../src/responses/admission/stored-input.ts";
import type { UpstreamCall } from "../../../../workers/upstreams/upstream.ts";
import { createParams } from "../../../../workers/upstreams/openai-responses/request.ts";
import { sampleCall } from "../../../support/openai-responses.ts";

function paramsOf(request: Partial<UpstreamCall["request"]>) {
  return createParams(sampleCall({ request: { model: "test/model-1", ...request } }));
}

describe("the request", () => {
  test("is no more than the model and the input if nothing else was given", () => {
    const params = paramsOf({ temperature: null, tools: null, text: null, reasoning: null });
    const input = [{ type: "message", role: "user", content: "Hello" }];
    expect(params).toEqual({ model: "model-1", input, stream: true, store: false });
  });

  test("passes on what steers the model", () => {
    const request = {
      instructions: "Be brief.",
      max_output_tokens: 100,
      temperature: 0,
      top_p: 0.5,
      tools: [{ type: "function" as const, name: "f" }],
      tool_choice: "auto" as const,
      parallel_tool_calls: false,
      service_tier: "flex" as const,
      max_tool_calls: 3,
      moderation: { model: "omni" },
      frequency_penalty: 0.5,
      presence_penalty: -0.5,
      prompt_cache_key: "k",
      prompt_cache_retention: "24h" as const,
      safety_identifier: "s",
      top_logprobs: 5,
      truncation: "auto" as const,
      user: "u",
      access_programs: { cyber: "standard" as const },
      image: { context_compression: "auto" as const },
      include: ["message.output_text.logprobs" as const],
    };
    expect(paramsOf(request)).toMatchObject(request);
  });

  test("keeps back what is between this server and its client", () => {
    const params = paramsOf({ metadata: { a: "b" }, background: true, store: true, previous_response_id: "resp_0" });
    expect(Object.keys(params).sort()).toEqual(["input", "model", "store", "stream"]);
    expect(params.store).toBe(false);
  });

  test("leaves out the nulls inside of text and reasoning", () => {
    const format = { type: "json_schema" as const, name: "n", schema: { default: null }, description: null };
    const params = paramsOf({ text: { format, verbosity: null }, reasoning: { effort: "low", summary: null } });
    expect(params.text).toEqual({ format: { type: "json_schema", name: "n", schema: { default: null } } });
    expect(params.reasoning).toEqual({ effort: "low" });
  });

  test("does not ask for a compaction, which this server makes itself", () => {
    expect(paramsOf({ context_management: [{ type: "compaction" }] })).not.toHaveProperty("context_management");
  });

  test("does not name a response of ours in prompt_cache_options", () => {
    const params = paramsOf({ prompt_cache_options: { ttl: "12h", comparison_response_id: "resp_0" } });
    expect(params.prompt_cache_options).toEqual({ ttl: "12h" });
  });

  test("includes what the client asked for, and encrypted reasoning once", () => {
    const include = ["reasoning.encrypted_content" as const, "file_search_call.results" as const];
    expect(paramsOf({ include, reasoning: { effort: "low" } }).include).toEqual(include);
  });

  test.for([
    { reasoning: { effort: "low" as const }, include: ["reasoning.encrypted_content"] },
    { reasoning: { summary: "auto" as const }, include: ["reasoning.encrypted_content"] },
    { reasoning: { effort: null, summary: null }, include: undefined },
    { reasoning: null, include: undefined },
  ])("includes $include for $reasoning", ({ reasoning, include }) => {
    expect(paramsOf({ reasoning }).include).toEqual(include);
  });
});

describe("the input", () => {
  const part = { type: "output_text" as const, text: "Hi", annotations: [] };

  test("is the conversation, and after it what this response has produced", () => {
    const { input } = createParams(
      sampleCall({
        history: [{ type: "message", id: "msg_0", status: "completed", role: "user", phase: null, content: "Hello" }],
        completedItems: [
          { type: "message", id: "msg_1", status: "completed", role: "assistant", content: [part] },
          { type: "function_call", id: "fc_1", status: "completed", call_id: "call_1", name: "f", arguments: "{}" },
        ],
      }),
    );
    expect(input).toEqual([
      { type: "message", role: "user", content: "Hello" },
      { type: "message", role: "assistant", content: [part] },
      { type: "function_call", call_id: "call_1", name: "f", arguments: "{}" },
    ]);
  });

  test("has reasoning only if the provider can read it", () => {
    const reasoning = { type: "reasoning" as const, summary: [], status: "completed" as const };
    const { input } = createParams(
      sampleCall({
        history: [{ type: "function_call_output", id: "fco_1", call_id: "call_1", output: "42" }],
        completedItems: [
          { ...reasoning, id: "rs_1", encrypted_content: "gAAA" },
          { ...reasoning, id: "rs_2", encrypted_content: null },
        ],
      }),
    );
    expect(input).toEqual([
      { type: "function_call_output", call_id: "call_1", output: "42" },
      { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAA" },
    ]);
  });

  test("has reasoning without an id if its client sent none: a provider refuses it under another than its own", async () => {
    const thought = { type: "reasoning" as const, summary: [], encrypted_content: "gAAA" };
    const history = await toStoredInput([{ ...thought }, { ...thought, id: "rs_of_the_provider" }]);
    expect(history[0]!.id).toMatch(/^rs_/);
    expect(createParams(sampleCall({ history })).input).toEqual([thought, { ...thought, id: "rs_of_the_provider" }]);
  });

  test("has no messages without a word, and hosted items as they were", () => {
    const search = {
      type: "web_search_call" as const,
      id: "ws_1",
      status: "completed" as const,
      action: { type: "search" as const },
    };
    const empty = { type: "message" as const, id: "msg_1", status: "incomplete" as const, role: "assistant" as const };
    const { input } = createParams(sampleCall({ history: [], completedItems: [{ ...empty, content: [] }, search] }));
    expect(input).toEqual([search]);
  });

  test("has ids and status only where the provider's type asks for them", () => {
    const call = { call_id: "call_1", status: "completed" as const };
    const { input } = createParams(
      sampleCall({
        history: [
          { type: "custom_tool_call", id: "ctc_1", name: "c", input: "i", ...call },
          { type: "apply_patch_call", id: "apc_1", operation: { type: "delete_file", path: "p" }, ...call },
          { type: "item_reference", id: "msg_1" },
        ],
      }),
    );
    expect(input).toEqual([
      { type: "custom_tool_call", call_id: "call_1", name: "c", input: "i" },
      { type: "apply_patch_call", operation: { type: "delete_file", path: "p" }, ...call },
      { type: "item_reference", id: "msg_1" },
    ]);
  });
});
