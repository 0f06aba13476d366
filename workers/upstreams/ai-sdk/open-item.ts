/** An item of the output while it is written: opened, grown, closed, in the orders of contract.md#item-events. */
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { ItemPosition } from "../derive-item-id.ts";

export type ItemEventSequence = Generator<ItemEventDraft, void, undefined>;
export type EndStatus = "completed" | "incomplete";

export interface OutputPosition extends ItemPosition {
  /** Counted from 0 in this call. */
  output_index: number;
}

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
