/**
 * Every kind of output item as streamed by a provider with every hosted tool (contract.md#item-events): in the
 * contract's order, with all events that lead to the item. A kind without its scripts does not compile.
 */
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import * as calls from "./every-item/calls.ts";
import { inProgress, done, callEvents, textEvents } from "./every-item/steps.ts";
import { message, reasoning } from "./every-item/texts.ts";
import { type ItemScript, script } from "./legal-items.ts";

export type Kind = OutputItem["type"];

export const EVERY_ITEM: Record<Kind, readonly ItemScript[]> = {
  message: [message],
  reasoning: [reasoning],
  function_call: [
    script(
      "function_call",
      { ...inProgress, call_id: "call_f", name: "look", arguments: "" },
      { ...done, arguments: calls.ARGUMENTS },
      (at) => calls.argumentEvents(at, "function_call_arguments"),
    ),
  ],
  function_call_output: [script("function_call_output", { ...done, call_id: "call_fo", output: "Seventeen" }, {})],
  custom_tool_call: [
    script(
      "custom_tool_call",
      { ...inProgress, call_id: "call_c", name: "note", input: "" },
      { ...done, input: "heron" },
      (at) => textEvents(at, "custom_tool_call_input", "input", ["he", "ron"]),
    ),
  ],
  custom_tool_call_output: [
    script(
      "custom_tool_call_output",
      { ...done, call_id: "call_co", output: [{ type: "input_text", text: "Noted" }] },
      {},
    ),
  ],
  web_search_call: [
    calls.webSearch({
      type: "search",
      query: "q",
      queries: ["q"],
      sources: [{ type: "url", url: "https://example.org" }],
    }),
    calls.webSearch({ type: "open_page", url: "https://example.org" }),
    calls.webSearch({ type: "find_in_page", url: "https://example.org", pattern: "heron" }),
  ],
  file_search_call: [
    script(
      "file_search_call",
      { ...inProgress, queries: [], results: null },
      { ...done, queries: ["q"], results: [calls.SEARCH_RESULTS] },
      calls.search("file_search_call"),
    ),
  ],
  code_interpreter_call: [
    script(
      "code_interpreter_call",
      { ...inProgress, code: "", container_id: "cntr_1", outputs: [] },
      {
        ...done,
        code: "print(17)",
        outputs: [
          { type: "logs", logs: "17" },
          { type: "image", url: "https://example.org/plot.png" },
        ],
      },
      (at) => [
        ...callEvents(at, "code_interpreter_call", "in_progress"),
        ...textEvents(at, "code_interpreter_call_code", "code", ["print", "(17)"]),
        ...callEvents(at, "code_interpreter_call", "interpreting", "completed"),
      ],
    ),
  ],
  image_generation_call: [calls.imageGeneration],
  computer_call: [
    script(
      "computer_call",
      { ...inProgress, call_id: "call_screen", pending_safety_checks: [], action: { type: "screenshot" } },
      done,
    ),
  ],
  computer_call_output: [
    script(
      "computer_call_output",
      {
        ...done,
        call_id: "call_screen",
        output: { type: "computer_screenshot", image_url: "data:image/png;base64,AA==" },
      },
      {},
    ),
  ],
  local_shell_call: [
    script(
      "local_shell_call",
      { ...inProgress, call_id: "call_local", action: { type: "exec", command: ["ls"], env: {} } },
      done,
    ),
  ],
  local_shell_call_output: [script("local_shell_call_output", { ...done, output: "reeds" }, {})],
  shell_call: [calls.shellCall],
  shell_call_output: [calls.shellCallOutput],
  apply_patch_call: [
    calls.patch("call_create", { type: "create_file", path: "a.md", diff: "+heron" }),
    calls.patch("call_update", { type: "update_file", path: "a.md", diff: "+egret" }),
    calls.patch("call_delete", { type: "delete_file", path: "a.md" }),
  ],
  apply_patch_call_output: [script("apply_patch_call_output", { ...done, call_id: "call_create", output: "ok" }, {})],
  mcp_list_tools: [
    calls.mcpListTools("completed", {
      tools: [{ name: "count", input_schema: { type: "object" }, description: "Counts." }],
    }),
    calls.mcpListTools("failed", { error: "The server does not answer." }),
  ],
  mcp_call: [
    calls.mcpCall("completed", { ...done, output: "17" }),
    calls.mcpCall("failed", { status: "failed", error: { type: "http_error", code: 500, message: "No." } }),
  ],
  mcp_approval_request: [script("mcp_approval_request", { ...calls.MCP_CALL, arguments: calls.ARGUMENTS }, {})],
  mcp_approval_response: [script("mcp_approval_response", { approval_request_id: "mcpr_1", approve: true }, {})],
  tool_search_call: [
    script("tool_search_call", { ...inProgress, call_id: null, arguments: { q: "look" }, execution: "server" }, done),
  ],
  tool_search_output: [
    script(
      "tool_search_output",
      { ...inProgress, call_id: null, tools: [], execution: "server" },
      {
        ...done,
        tools: [{ type: "function", name: "look", description: null, parameters: null, strict: true }],
      },
    ),
  ],
  additional_tools: [script("additional_tools", { role: "developer", tools: [{ type: "computer" }] }, {})],
  compaction: [
    script("compaction", { encrypted_content: "" }, { encrypted_content: "gCCC" }, (at) =>
      callEvents(at, "compaction", "compacting"),
    ),
  ],
  program: [script("program", { call_id: "call_program", code: "look()", fingerprint: "f" }, {})],
  program_output: [script("program_output", { ...done, call_id: "call_program", result: "17" }, {})],
};

export const EVERY_KIND = Object.keys(EVERY_ITEM) as Kind[];

/** The events of one item of each named kind, or of several where a kind has variants. */
export function eventsOf(kinds: readonly Kind[]): ItemEventDraft[] {
  return kinds.flatMap((kind) => EVERY_ITEM[kind]).flatMap((write, index) => write(index));
}
