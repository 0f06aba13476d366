/**
 * Presents a web search call in the log. Searches, opened pages and passages have the same steps
 * (contract.md#item-events).
 */
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { CallPosition, CallPresenter } from "../tool.ts";
import { readCitedSources } from "../tool-items.ts";

type WebSearchCall = Extract<OutputItem, { type: "web_search_call" }>;
export type WebSearchAction = WebSearchCall["action"];

/** Derives the item's action from the arguments. These are `{}` until they are complete. */
export type ReadAction = (args: unknown) => WebSearchAction;

export function presentWebSearchCall(actionOf: ReadAction, { itemId, output_index }: CallPosition): CallPresenter {
  const at = { output_index, item_id: itemId };
  let action = actionOf({});
  const item = (status: WebSearchCall["status"]): WebSearchCall => ({
    type: "web_search_call",
    id: itemId,
    action,
    status,
  });
  const of = (...events: ItemEventDraft[]) => events;
  return {
    open: () =>
      of(
        { type: "response.output_item.added", output_index, item: item("in_progress") },
        { type: "response.web_search_call.in_progress", ...at },
      ),
    delta: () => [],
    begin: (json) => {
      action = actionOf(parseArguments(json));
      return of({ type: "response.web_search_call.searching", ...at });
    },
    end: ({ isError, details }) => {
      // A failed call has no event of its own (contract.md#item-events).
      if (isError) return of({ type: "response.output_item.done", output_index, item: item("failed") });
      if (action.type === "search") {
        const sources = readCitedSources(details).map(({ url }) => ({ type: "url" as const, url }));
        action = { ...action, sources };
      }
      return of(
        { type: "response.web_search_call.completed", ...at },
        { type: "response.output_item.done", output_index, item: item("completed") },
      );
    },
  };
}

/** A model may write invalid JSON, which counts as no arguments. */
function parseArguments(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return {};
  }
}
