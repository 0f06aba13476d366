/**
 * Calls that are not executed: the tool was never offered, or the response may make no more calls. Some servers do not hold
 * their models to `tool_choice` (https://github.com/ollama/ollama/issues/17921). The client does not see such a call. The
 * model sees it with an error that says what it may do, and is called again.
 */
import { newCallId, newItemId } from "../../src/protocol/id.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import { parseJsonObject } from "../../src/protocol/json-object.ts";
import type { Tool } from "../../src/protocol/tool.ts";

export interface RejectedCall {
  name: string;
  arguments: string;
  reason: "unknown" | "not-now";
}

/** An instruction to the model once it may call no more tools. */
export const ANSWER_NOW = "No more tools can be called in this response. Answer now with the information you have.";

/** Maximum turns in a row in which a model asks only for such calls. */
export const MAX_REJECTED_TURNS = 3;

/** These add tools in the middle of a conversation, so the names are not all known here. */
const OPEN_ENDED_TYPES: ReadonlySet<string> = new Set([
  "tool_search",
  "namespace",
  "additional_tools",
  "tool_search_output",
]);

/** Whether the model may have been offered a function of that name. */
export function createOfferedCheck(tools: readonly Tool[], context: readonly { type?: string | null }[]) {
  const isOpen = [...tools, ...context].some(({ type }) => OPEN_ENDED_TYPES.has(type ?? ""));
  if (tools.length === 0 || isOpen) return () => true;
  const names = new Set(toolNames(tools));
  return (name: string) => names.has(name);
}

export function toolNames(tools: readonly Tool[]): string[] {
  return tools.flatMap((tool) => ("name" in tool && typeof tool.name === "string" ? [tool.name] : []));
}

/** The calls and their errors, as the model sees them. */
export function renderRejectedCalls(calls: readonly RejectedCall[], names: readonly string[]): OutputItem[] {
  return calls.flatMap((call): OutputItem[] => {
    const call_id = newCallId();
    const status = "completed" as const;
    return [
      {
        type: "function_call",
        id: newItemId("function_call"),
        call_id,
        name: call.name,
        arguments: parseJsonObject(call.arguments) === undefined ? "{}" : call.arguments,
        status,
      },
      {
        type: "function_call_output",
        id: newItemId("function_call_output"),
        call_id,
        output: describeRejection(call, names),
        status,
      },
    ];
  });
}

function describeRejection({ name, reason }: RejectedCall, names: readonly string[]): string {
  if (reason === "not-now") return `Error: '${name}' was not called. ${ANSWER_NOW}`;
  return `Error: there is no tool '${name}'. The tools are: ${names.join(", ")}.`;
}
