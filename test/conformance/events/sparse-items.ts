/** Items without every field that the published types let a provider omit, or with null in it. */
import { added, done, type Frame } from "../../support/upstream-server.ts";

const item = (output_index: number, value: object, ...between: Frame[]): Frame[] => [
  added(output_index, { ...value, status: "in_progress" }),
  ...between,
  done(output_index, value),
];

const message = { type: "message", id: "msg_1", role: "assistant", phase: null };
const position = { output_index: 1, item_id: "msg_1", content_index: 0 };
const bare = { type: "output_text", text: "", annotations: [] };

export const SPARSE_ITEMS: Frame[] = [
  ...item(0, { type: "reasoning", id: "rs_1", summary: [], encrypted_content: null }),
  added(1, { ...message, status: "in_progress", content: [] }),
  { type: "response.content_part.added", ...position, part: bare },
  { type: "response.output_text.delta", ...position, delta: "Hi", logprobs: [{ token: "Hi", logprob: -1 }] },
  { type: "response.output_text.done", ...position, text: "Hi", logprobs: [{ token: "Hi", logprob: -1 }] },
  { type: "response.content_part.done", ...position, part: { ...bare, text: "Hi" } },
  done(1, { ...message, status: "completed", content: [{ ...bare, text: "Hi" }] }),
  ...item(2, {
    type: "mcp_list_tools",
    id: "mcpl_1",
    server_label: "s",
    tools: [{ name: "t", input_schema: {}, description: null, annotations: null }],
    error: null,
  }),
  ...item(3, {
    type: "mcp_call",
    id: "mcp_1",
    server_label: "s",
    name: "t",
    arguments: "{}",
    approval_request_id: null,
    output: null,
    error: null,
  }),
  ...item(4, {
    type: "local_shell_call",
    id: "lsh_1",
    call_id: "call_1",
    status: "completed",
    action: { type: "exec", command: ["ls"], env: {}, timeout_ms: null, user: null, working_directory: null },
  }),
  ...item(5, {
    type: "file_search_call",
    id: "fs_1",
    status: "completed",
    queries: ["q"],
    results: [{}, { attributes: null, file_id: "file_1" }],
  }),
  ...item(6, { type: "image_generation_call", id: "ig_1", status: "failed", result: null }),
  ...item(7, {
    type: "code_interpreter_call",
    id: "ci_1",
    status: "completed",
    code: null,
    container_id: "c",
    outputs: null,
  }),
  ...item(8, { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "open_page", url: null } }),
  ...item(9, {
    type: "computer_call",
    id: "cu_1",
    call_id: "call_2",
    status: "completed",
    pending_safety_checks: [{ id: "sc_1", code: null, message: null }],
    actions: [{ type: "double_click", keys: null, x: 1, y: 1 }],
  }),
];
