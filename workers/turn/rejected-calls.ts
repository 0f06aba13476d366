/**
 * Calls that are not made: of a tool that nobody offered, or after the last that the response may make. Servers exist that do
 * not hold their models to `tool_choice` (https://github.com/ollama/ollama/issues/17921). No client is shown such a call; the
 * model is, with an error that says what it may do, and is called again.
 */
import { newId, newItemId } from "../../src/protocol/id.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { Tool } from "../../src/protocol/tool.ts";

export interface RejectedCall {
  name: string;
  arguments: string;
  reason: "unknown" | "not-now";
}

/** For the model, once it may call no more tools. */
export const ANSWER_NOW = "No more tools can be called in this response. Answer now, with what you have.";

/** Turns in a row in which a model does nothing but ask for such calls. */
export const MAX_REJECTED_TURNS = 3;

/** Tools from which more tools may come in the middle of a conversation: which names there are is not known here. */
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

/** The calls and their errors, as the model is shown them. */
export function renderRejectedCalls(calls: readonly RejectedCall[], names: readonly string[]): OutputItem[] {
  return calls.flatMap((call): OutputItem[] => {
    const call_id = newId("call", 24);
    const status = "completed" as const;
    return [
      {
        type: "function_call",
        id: newItemId("function_call"),
        call_id,
        name: call.name,
        arguments: isJsonObject(call.arguments) ? call.arguments : "{}",
        status,
      },
      {
        type: "function_call_output",
        id: newItemId("function_call_output"),
        call_id,
        output: rejectionMessage(call, names),
        status,
      },
    ];
  });
}

function rejectionMessage({ name, reason }: RejectedCall, names: readonly string[]): string {
  if (reason === "not-now") return `Error: '${name}' was not called. ${ANSWER_NOW}`;
  return `Error: there is no tool '${name}'. The tools are: ${names.join(", ")}.`;
}

function isJsonObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
