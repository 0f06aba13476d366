/** Reports the execution of a tool call: its step in the record, and how it ended. */
import type { ToolCall, ToolResult } from "../../../src/store/run-journals.ts";
import { channels, type ToolCallReport } from "../../../src/telemetry/channels.ts";
import type { RunProgress } from "../../attempt/run-progress.ts";
import type { ServerFunction } from "../../tools/tool.ts";

const MAX_ERROR_CHARACTERS = 200;

export async function trackToolCall(
  progress: RunProgress,
  { callId, name }: ToolCall,
  fn: ServerFunction,
  run: () => Promise<ToolResult>,
): Promise<ToolResult> {
  const tool = fn.itemType.replace(/_call$/, "");
  const report: ToolCallReport = { ...progress.reported, tool, name, callId };
  progress.enterTool(callId, tool, name);
  let isError = true;
  try {
    return await channels.toolCall.tracePromise(async () => {
      const result = await run();
      isError = report.isError = result.isError;
      if (isError && typeof result.output === "string") report.error = result.output.slice(0, MAX_ERROR_CHARACTERS);
      return result;
    }, report);
  } finally {
    progress.leaveTool(callId, isError);
  }
}
