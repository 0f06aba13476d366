/**
 * How programs act on a stream (contract.md#acting-on-a-stream): one joins all text deltas, whatever the outcome of
 * their items; one runs each call at its `output_item.done`, whatever its status.
 */
import type { ResponseStreamEvent } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { Response } from "../../src/protocol/response.ts";

export interface ClientActions {
  /** All message deltas joined, and those of visible reasoning. */
  text: string;
  reasoning: string;
  /** `<name> <arguments>` of each call that was run. */
  calls: string[];
}

export function actOnStream(log: readonly string[]): ClientActions {
  const acted: ClientActions = { text: "", reasoning: "", calls: [] };
  for (const data of log) {
    const event = JSON.parse(data) as ResponseStreamEvent;
    switch (event.type) {
      case "response.output_text.delta":
      case "response.refusal.delta":
        acted.text += event.delta;
        break;
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
        acted.reasoning += event.delta;
        break;
      case "response.output_item.done":
        acted.calls.push(...callOf(event.item));
        break;
      default:
    }
  }
  return acted;
}

function callOf(item: OutputItem): string[] {
  if (item.type === "function_call") return [`${item.name} ${item.arguments}`];
  return item.type === "custom_tool_call" ? [`${item.name} ${item.input}`] : [];
}

/** The items of a client that acts only on the finished response. */
export function actOnFinalResponse({ output }: Response): ClientActions {
  const items: readonly OutputItem[] = output;
  return {
    text: items
      .flatMap((item) => (item.type === "message" ? item.content : []))
      .map((part) => (part.type === "output_text" ? part.text : part.refusal))
      .join(""),
    reasoning: items
      .flatMap((item) => (item.type === "reasoning" ? [...item.summary, ...(item.content ?? [])] : []))
      .map((part) => part.text)
      .join(""),
    calls: items.flatMap(callOf),
  };
}

/** Logged calls that no client can act on: left open, or closed incomplete. */
export function incompleteCalls(log: readonly string[]): number {
  const open = new Set<number>();
  let closedIncomplete = 0;
  for (const data of log) {
    const event = JSON.parse(data) as ResponseStreamEvent;
    if (event.type === "response.output_item.added" && callOf(event.item).length > 0) open.add(event.output_index);
    if (event.type !== "response.output_item.done" || callOf(event.item).length === 0) continue;
    open.delete(event.output_index);
    if ("status" in event.item && event.item.status === "incomplete") closedIncomplete += 1;
  }
  return open.size + closedIncomplete;
}
