/** What a response shows of its request (contract.md#response-object). */
import { expect, test } from "vitest";
import type { CreateRequest } from "../../../src/protocol/create-request.ts";
import { responseSchema } from "../../../src/protocol/response.ts";
import type { Tool } from "../../../src/protocol/tool.ts";
import { sampleResponse } from "../../support/samples.ts";

test("every default is shown", () => {
  const response = sampleResponse({}, "resp_1");
  expect(responseSchema.parse(response)).toEqual(response);
  expect(response).toEqual({
    id: "resp_1",
    object: "response",
    created_at: 1_700_000_000,
    status: "queued",
    background: true,
    completed_at: null,
    access_programs: null,
    conversation: null,
    error: null,
    frequency_penalty: 0,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    max_tool_calls: null,
    model: "simulator/default",
    moderation: null,
    output: [],
    parallel_tool_calls: true,
    presence_penalty: 0,
    previous_response_id: null,
    prompt: null,
    prompt_cache_key: null,
    prompt_cache_retention: null,
    reasoning: { context: null, effort: null, summary: null },
    safety_identifier: null,
    service_tier: "auto",
    store: true,
    temperature: 1,
    text: { format: { type: "text" }, verbosity: "medium" },
    tool_choice: "auto",
    tool_usage: {
      image_gen: {
        input_tokens: 0,
        input_tokens_details: { image_tokens: 0, text_tokens: 0 },
        output_tokens: 0,
        output_tokens_details: { image_tokens: 0, text_tokens: 0 },
        total_tokens: 0,
      },
      web_search: { num_requests: 0 },
    },
    tools: [],
    top_logprobs: 0,
    top_p: 1,
    truncation: "disabled",
    usage: null,
    user: null,
    metadata: {},
  });
});

test.each<[Partial<CreateRequest>, object]>([
  [{ user: "u", safety_identifier: "s", prompt_cache_key: "k", prompt_cache_retention: "24h" }, {}],
  [{ top_logprobs: 5, frequency_penalty: 0.5, presence_penalty: -0.5, max_tool_calls: 7, truncation: "auto" }, {}],
  [{ access_programs: { cyber: "standard" } }, {}],
  [{ access_programs: {} }, { access_programs: null }],
  [{ image: { context_compression: "enabled" } }, {}],
  [{ prompt_cache_options: {} }, { prompt_cache_options: { mode: "implicit", ttl: "30m" } }],
  [
    { prompt_cache_options: { mode: "explicit", prewarm: true, comparison_response_id: "resp_0" } },
    { prompt_cache_options: { mode: "explicit", ttl: "30m", comparison_response_id: "resp_0" } },
  ],
  [
    { reasoning: { mode: "pro", effort: "low" } },
    { reasoning: { context: null, effort: "low", mode: "pro", summary: null } },
  ],
  [{ reasoning: { mode: null } }, { reasoning: { context: null, effort: null, summary: null } }],
  [{ conversation: "conv_1" }, { conversation: { id: "conv_1" } }],
  [{ conversation: { id: "conv_1" } }, {}],
  [{ prompt: { id: "pmpt_1" } }, { prompt: { id: "pmpt_1", variables: null, version: null } }],
  [
    {
      prompt: {
        id: "pmpt_1",
        version: "2",
        variables: { a: "b", c: { type: "input_image", file_id: "f", detail: null } },
      },
    },
    {
      prompt: {
        id: "pmpt_1",
        version: "2",
        variables: { a: "b", c: { type: "input_image", file_id: "f", detail: "auto" } },
      },
    },
  ],
  [
    {
      text: {
        format: { type: "json_schema", name: "n", schema: {}, description: null, strict: null },
        verbosity: "low",
      },
    },
    {},
  ],
  [
    { text: { format: { type: "json_schema", name: "n", schema: {} } } },
    { text: { format: { type: "json_schema", name: "n", schema: {}, description: null }, verbosity: "medium" } },
  ],
  [{ text: { format: { type: "json_object" }, verbosity: "high" } }, {}],
])("%j is shown", (request, shown) => {
  const response = sampleResponse(request);
  expect(response).toMatchObject({ ...request, ...shown });
  for (const [name, value] of Object.entries(shown)) expect(response[name as "text"]).toEqual(value);
  expect(responseSchema.parse(response)).toEqual(response);
});

test("include, stream, stream_options, context_management and an image option of `auto` are not shown", () => {
  const hidden = {
    include: ["reasoning.encrypted_content" as const],
    stream: true,
    stream_options: {},
    context_management: [{ type: "compaction" as const }],
    image: { context_compression: "auto" as const },
  };
  const response = sampleResponse(hidden);
  for (const name of Object.keys(hidden)) expect(response).not.toHaveProperty(name);
});

test.each<[Tool, object]>([
  [
    { type: "function", name: "f" },
    { description: null, parameters: null, strict: true },
  ],
  [
    { type: "function", name: "f", strict: false, async: true },
    { description: null, parameters: null },
  ],
  [{ type: "custom", name: "c" }, { format: { type: "text" } }],
  [{ type: "web_search" }, { filters: null, search_context_size: "medium", user_location: null }],
  [{ type: "web_search_preview" }, { search_context_size: "medium", user_location: null }],
  [
    { type: "file_search", vector_store_ids: ["vs_1"], ranking_options: { score_threshold: 0.5 } },
    { filters: null, max_num_results: 20, ranking_options: { ranker: "auto", score_threshold: 0.5 } },
  ],
  [
    { type: "image_generation", quality: "low" },
    { background: "auto", moderation: "auto", output_compression: 100, output_format: "png", size: "auto" },
  ],
  [
    { type: "mcp", server_label: "s" },
    { allowed_tools: null, headers: null, require_approval: "always" },
  ],
  [{ type: "shell" }, {}],
])("%j is shown with its defaults", (tool, defaults) => {
  expect(sampleResponse({ tools: [tool] }).tools).toEqual([{ ...tool, ...defaults }]);
});

test("secrets are not shown", () => {
  const network_policy = {
    type: "allowlist" as const,
    allowed_domains: ["example.org"],
    domain_secrets: [{ domain: "example.org", name: "KEY", value: "hush" }],
  };
  const { tools } = sampleResponse({
    tools: [
      { type: "mcp", server_label: "s", authorization: "hush", headers: { "X-Key": "hush" } },
      { type: "code_interpreter", container: { type: "auto", network_policy } },
      { type: "shell", environment: { type: "container_auto", network_policy } },
    ],
  });
  expect(JSON.stringify(tools)).not.toContain("hush");
  expect(tools).toMatchObject([{ headers: { "X-Key": "<redacted>" } }, { container: {} }, { environment: {} }]);
});
