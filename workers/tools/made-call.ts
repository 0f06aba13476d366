import type { ToolCall, ToolResult } from "../../src/store/tool-journal.ts";

/** An executed call, and the turn that asked for it. */
export interface MadeCall {
  call: ToolCall;
  result: ToolResult;
  turn: string;
}
