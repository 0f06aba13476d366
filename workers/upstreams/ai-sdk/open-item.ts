/** An output item while it is written: opened, extended, closed, in the order of contract.md#item-events. */
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";

export type ItemEventSequence = Generator<ItemEventDraft, void, undefined>;
export type EndStatus = "completed" | "incomplete";

export interface OpenItem {
  open: () => ItemEventSequence;
  close: (status: EndStatus) => ItemEventSequence;
}

export function createAddedEvent(output_index: number, item: OutputItem): ItemEventDraft {
  return { type: "response.output_item.added", output_index, item };
}

export function createDoneEvent(output_index: number, item: OutputItem): ItemEventDraft {
  return { type: "response.output_item.done", output_index, item };
}
