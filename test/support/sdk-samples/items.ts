/**
 * One input item of each kind that openai 7.59.0 lets a client send: the compiler checks that they match the SDK. A
 * kind without its sample does not compile.
 */
import type { ResponseInputItem } from "openai/resources/responses/responses";
import type { Kinds } from "./kinds.ts";

export const text = {
  type: "input_text",
  text: "Hi",
  prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" },
} as const;
const caller = { type: "program", caller_id: "call_p" } as const;
const call = { call_id: "call_1", status: "completed" } as const;

export const ITEMS: Kinds<ResponseInputItem> = {
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
