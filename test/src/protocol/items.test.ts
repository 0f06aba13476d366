/**
 * One of each kind that openai 7.57.0 knows: the compiler checks that the samples are what the SDK sends, the tests that
 * the schemas keep them whole. A kind without its sample does not compile.
 */
import type { ResponseCreateParams, ResponseInputItem, Tool } from "openai/resources/responses/responses";
import { describe, expect, test } from "vitest";
import { createRequestSchema } from "../../../src/protocol/create-request.ts";
import { inputItemSchema } from "../../../src/protocol/item.ts";
import { toolChoiceSchema, toolSchema } from "../../../src/protocol/tool.ts";

type OfKind<T, K> = T extends { type?: infer Kind } ? (K extends Kind ? T : never) : never;
type Kinds<T extends { type?: string | null }> = { [K in NonNullable<T["type"]>]: OfKind<T, K>[] };

const text = { type: "input_text", text: "Hi", prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } } as const;
const caller = { type: "program", caller_id: "call_p" } as const;
const call = { call_id: "call_1", status: "completed" } as const;

const ITEMS: Kinds<ResponseInputItem> = {
  message: [
    { type: "message", role: "user", content: [text, { type: "input_image", detail: "auto", file_id: "file_1" }] },
    { type: "message", role: "developer", content: [{ type: "input_file", filename: "a.pdf", file_data: "AA==" }] },
    {
      type: "message",
      id: "msg_1",
      role: "assistant",
      status: "completed",
      phase: "final_answer",
      content: [
        {
          type: "output_text",
          text: "a",
          annotations: [
            { type: "url_citation", url: "https://example.org", title: "x", start_index: 0, end_index: 1 },
            { type: "file_citation", file_id: "file_1", filename: "a", index: 0 },
            { type: "file_path", file_id: "file_1", index: 0 },
            {
              type: "container_file_citation",
              container_id: "cntr_1",
              file_id: "file_1",
              filename: "a",
              start_index: 0,
              end_index: 1,
            },
          ],
          logprobs: [
            { token: "a", bytes: [97], logprob: -1, top_logprobs: [{ token: "a", bytes: [97], logprob: -1 }] },
          ],
        },
        { type: "refusal", refusal: "No." },
      ],
    },
  ],
  file_search_call: [
    {
      type: "file_search_call",
      id: "fs_1",
      queries: ["q"],
      status: "completed",
      results: [{ attributes: { a: 1, b: true, c: "x" }, file_id: "file_1", filename: "a", score: 0.5, text: "t" }],
    },
  ],
  computer_call: [
    {
      type: "computer_call",
      id: "cu_1",
      ...call,
      pending_safety_checks: [{ id: "s", code: null, message: "m" }],
      action: { type: "click", button: "left", x: 1, y: 2 },
      actions: [
        { type: "double_click", keys: null, x: 1, y: 2 },
        { type: "drag", path: [{ x: 1, y: 2 }], keys: ["Shift"] },
        { type: "keypress", keys: ["a"] },
        { type: "move", x: 1, y: 2 },
        { type: "screenshot" },
        { type: "scroll", x: 1, y: 2, scroll_x: 0, scroll_y: 9 },
        { type: "type", text: "a" },
        { type: "wait" },
      ],
    },
  ],
  computer_call_output: [
    {
      type: "computer_call_output",
      call_id: "call_1",
      acknowledged_safety_checks: [{ id: "s" }],
      output: { type: "computer_screenshot", image_url: "data:," },
    },
  ],
  web_search_call: [
    {
      type: "web_search_call",
      id: "ws_1",
      status: "completed",
      action: { type: "search", query: "q", queries: ["q"], sources: [{ type: "url", url: "https://example.org" }] },
    },
    { type: "web_search_call", id: "ws_2", status: "failed", action: { type: "open_page", url: null } },
    {
      type: "web_search_call",
      id: "ws_3",
      status: "searching",
      action: { type: "find_in_page", pattern: "p", url: "u" },
    },
  ],
  function_call: [{ type: "function_call", ...call, name: "f", arguments: "{}", namespace: "n", async: false, caller }],
  function_call_output: [
    { type: "function_call_output", ...call, output: "42", caller: { type: "direct" } },
    { type: "function_call_output", name: "f", namespace: "n", output: [text, { type: "input_image" }] },
  ],
  tool_search_call: [{ type: "tool_search_call", arguments: { q: 1 }, call_id: null, execution: "client" }],
  tool_search_output: [
    { type: "tool_search_output", tools: [{ type: "web_search" }], call_id: "call_1", execution: "server" },
  ],
  additional_tools: [{ type: "additional_tools", role: "developer", tools: [{ type: "computer" }] }],
  configuration_update: [
    { type: "configuration_update", reasoning: { effort: "low" }, text: { format: { type: "text" } } },
  ],
  reasoning: [
    {
      type: "reasoning",
      id: "rs_1",
      encrypted_content: "gAAA",
      status: "completed",
      summary: [{ type: "summary_text", text: "s" }],
      content: [{ type: "reasoning_text", text: "r" }],
    },
  ],
  compaction: [{ type: "compaction", encrypted_content: "gAAA" }],
  image_generation_call: [
    {
      type: "image_generation_call",
      id: "ig_1",
      result: "AA==",
      status: "completed",
      action: "edit",
      background: "opaque",
      output_format: "svg",
      quality: "max",
      revised_prompt: null,
      size: "2048x1024",
      error: { code: null, message: "m", param: null, type: "t" },
      svg_usage: { input_tokens: 1, model: "m", output_tokens: 1, reasoning_tokens: 0, total_tokens: 2 },
    },
  ],
  code_interpreter_call: [
    {
      type: "code_interpreter_call",
      id: "ci_1",
      code: "1",
      container_id: "cntr_1",
      status: "interpreting",
      outputs: [
        { type: "logs", logs: "l" },
        { type: "image", url: "u" },
      ],
    },
  ],
  local_shell_call: [
    { type: "local_shell_call", id: "lsh_1", ...call, action: { type: "exec", command: ["ls"], env: { A: "b" } } },
  ],
  local_shell_call_output: [{ type: "local_shell_call_output", id: "lsho_1", output: "a", status: null }],
  shell_call: [
    {
      type: "shell_call",
      ...call,
      caller,
      action: { commands: ["ls"], timeout_ms: 5, max_output_length: null },
      environment: { type: "local", skills: [{ name: "n", description: "d", path: "p" }] },
    },
  ],
  shell_call_output: [
    {
      type: "shell_call_output",
      call_id: "call_1",
      max_output_length: 10,
      output: [
        { outcome: { type: "exit", exit_code: 0 }, stdout: "a", stderr: "" },
        { outcome: { type: "timeout" }, stdout: "", stderr: "b" },
      ],
    },
  ],
  apply_patch_call: [
    { type: "apply_patch_call", ...call, operation: { type: "create_file", path: "p", diff: "+a" } },
    { type: "apply_patch_call", ...call, operation: { type: "delete_file", path: "p" } },
    { type: "apply_patch_call", ...call, operation: { type: "update_file", path: "p", diff: "+a" }, caller },
  ],
  apply_patch_call_output: [{ type: "apply_patch_call_output", call_id: "call_1", status: "failed", output: "no" }],
  mcp_list_tools: [
    {
      type: "mcp_list_tools",
      id: "mcpl_1",
      server_label: "s",
      error: null,
      tools: [{ name: "t", input_schema: { type: "object" }, annotations: null, description: "d" }],
    },
  ],
  mcp_approval_request: [{ type: "mcp_approval_request", id: "mcpr_1", arguments: "{}", name: "t", server_label: "s" }],
  mcp_approval_response: [{ type: "mcp_approval_response", approval_request_id: "mcpr_1", approve: true, reason: "r" }],
  mcp_call: [
    { type: "mcp_call", id: "mcp_1", arguments: "{}", name: "t", server_label: "s", output: "o", status: "calling" },
    {
      type: "mcp_call",
      id: "mcp_2",
      arguments: "{}",
      name: "t",
      server_label: "s",
      approval_request_id: "mcpr_1",
      error: { type: "http_error", code: 500, message: "m" },
    },
  ],
  custom_tool_call: [{ type: "custom_tool_call", call_id: "call_1", input: "i", name: "c", namespace: "n" }],
  custom_tool_call_output: [{ type: "custom_tool_call_output", call_id: "call_1", output: [text] }],
  compaction_trigger: [{ type: "compaction_trigger" }],
  item_reference: [{ type: "item_reference", id: "rs_1" }],
  program: [{ type: "program", id: "prog_1", call_id: "call_1", code: "c", fingerprint: "f" }],
  program_output: [{ type: "program_output", id: "progo_1", call_id: "call_1", result: "r", status: "incomplete" }],
};

const TOOLS: Kinds<Tool> = {
  function: [
    { type: "function", name: "f", parameters: { type: "object" }, strict: true, description: "d" },
    {
      type: "function",
      name: "f",
      parameters: null,
      strict: null,
      allowed_callers: ["programmatic"],
      async: true,
      defer_loading: true,
      output_schema: { type: "object" },
    },
  ],
  file_search: [
    {
      type: "file_search",
      vector_store_ids: ["vs_1"],
      max_num_results: 5,
      filters: { type: "and", filters: [{ type: "in", key: "a", value: ["b", 1] }] },
      ranking_options: { hybrid_search: { embedding_weight: 1, text_weight: 2 }, ranker: "auto", score_threshold: 0.5 },
    },
    { type: "file_search", vector_store_ids: [], filters: { type: "eq", key: "a", value: true } },
  ],
  computer: [{ type: "computer" }],
  computer_use_preview: [
    { type: "computer_use_preview", display_height: 768, display_width: 1024, environment: "linux" },
  ],
  web_search: [
    {
      type: "web_search",
      external_web_access: false,
      filters: { allowed_domains: ["example.org"] },
      search_context_size: "high",
      user_location: { type: "approximate", city: "Oslo", country: null },
    },
  ],
  web_search_2025_08_26: [{ type: "web_search_2025_08_26", filters: null, user_location: null }],
  mcp: [
    {
      type: "mcp",
      server_label: "s",
      server_url: "https://example.org",
      server_description: "d",
      authorization: "secret",
      headers: { "X-Key": "secret" },
      allowed_callers: ["direct"],
      defer_loading: true,
      allowed_tools: { read_only: true, tool_names: ["t"] },
      require_approval: { never: { tool_names: ["t"] } },
    },
    {
      type: "mcp",
      server_label: "s",
      connector_id: "connector_gmail",
      allowed_tools: ["t"],
      require_approval: "never",
    },
    { type: "mcp", server_label: "s", tunnel_id: "t", headers: null, allowed_tools: null, require_approval: null },
  ],
  code_interpreter: [
    { type: "code_interpreter", container: "cntr_1" },
    {
      type: "code_interpreter",
      container: {
        type: "auto",
        file_ids: ["file_1"],
        memory_limit: "4g",
        network_policy: {
          type: "allowlist",
          allowed_domains: ["example.org"],
          domain_secrets: [{ domain: "example.org", name: "KEY", value: "secret" }],
        },
      },
    },
  ],
  programmatic_tool_calling: [{ type: "programmatic_tool_calling" }],
  image_generation: [
    {
      type: "image_generation",
      action: "edit",
      background: "opaque",
      complexity: "low",
      frame_count: 2,
      frame_duration_ms: 9,
      input_fidelity: null,
      input_image_mask: { file_id: "f" },
      model: "gpt-image-2",
      moderation: "low",
      output_compression: 50,
      output_format: "gif",
      partial_images: 3,
      quality: "high",
      size: "1024x1024",
      svg: { model: "m", reasoning: { effort: "low" } },
    },
  ],
  local_shell: [{ type: "local_shell" }],
  shell: [
    { type: "shell", environment: { type: "local" } },
    { type: "shell", environment: { type: "container_reference", container_id: "cntr_1" } },
    {
      type: "shell",
      environment: {
        type: "container_auto",
        network_policy: { type: "disabled" },
        skills: [
          { type: "skill_reference", skill_id: "skill_1", version: "2" },
          {
            type: "inline",
            name: "n",
            description: "d",
            source: { type: "base64", media_type: "application/zip", data: "AA==" },
          },
        ],
      },
    },
  ],
  custom: [
    { type: "custom", name: "c", description: "d", format: { type: "grammar", definition: "a", syntax: "lark" } },
    { type: "custom", name: "c", format: { type: "text" }, async: true, defer_loading: true, allowed_callers: null },
  ],
  namespace: [
    {
      type: "namespace",
      name: "n",
      description: "d",
      tools: [
        { type: "function", name: "f", parameters: { a: 1 }, strict: null },
        { type: "custom", name: "c" },
      ],
    },
  ],
  tool_search: [{ type: "tool_search", description: "d", execution: "client", parameters: { a: 1 } }],
  web_search_preview: [
    {
      type: "web_search_preview",
      search_content_types: ["text", "image"],
      search_context_size: "low",
      user_location: { type: "approximate", timezone: "Europe/Oslo", region: "r" },
    },
  ],
  web_search_preview_2025_03_11: [{ type: "web_search_preview_2025_03_11" }],
  apply_patch: [{ type: "apply_patch", allowed_callers: ["direct"] }],
};

const CHOICES: NonNullable<ResponseCreateParams["tool_choice"]>[] = [
  ...(["none", "auto", "required"] as const),
  { type: "function", name: "f" },
  { type: "custom", name: "c" },
  { type: "mcp", server_label: "s", name: null },
  { type: "mcp" },
  { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "f" }] },
  ...(["apply_patch", "shell", "programmatic_tool_calling"] as const).map((type) => ({ type })),
  ...(["file_search", "computer", "computer_use", "computer_use_preview", "image_generation"] as const).map((type) => ({
    type,
  })),
  ...(["code_interpreter", "web_search_preview", "web_search_preview_2025_03_11"] as const).map((type) => ({ type })),
];

describe("a request keeps whole", () => {
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
    const request: Required<ResponseCreateParams> & { frequency_penalty: number; presence_penalty: number } = {
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
    };
    expect(createRequestSchema.parse(request)).toEqual(request);
    expect(Object.keys(request).sort()).toEqual(Object.keys(createRequestSchema.shape).sort());
  });
});
