/** Reads the events of the unfinished item at the end of a log. */
import type { ItemEventDraft } from "../../protocol/event.ts";
import { type EventLogReader, type LoggedEvent, eventTypeOf } from "./event-log-reader.ts";

const PAGE_EVENTS = 1_000;

/**
 * Returns the events from the item's `output_item.added` to the log's end, without events of other items. Empty if the
 * item is missing.
 */
export async function readItemEvents(
  reader: EventLogReader,
  responseId: string,
  outputIndex: number,
): Promise<ItemEventDraft[]> {
  const tail: LoggedEvent[][] = [];
  let before: number | undefined;
  for (;;) {
    const page = await reader.readBackward(responseId, before, PAGE_EVENTS);
    const start = page.findLastIndex((event) => isItemAdded(event, outputIndex));
    tail.unshift(start < 0 ? page : page.slice(start));
    if (start >= 0) break;
    if (page.length < PAGE_EVENTS) return [];
    before = page[0]!.sequenceNumber;
  }
  return tail
    .flat()
    .map(({ data }) => JSON.parse(data) as ItemEventDraft)
    .filter(({ output_index }) => output_index === outputIndex);
}

function isItemAdded({ data }: LoggedEvent, outputIndex: number): boolean {
  if (eventTypeOf(data) !== "response.output_item.added") return false;
  return (JSON.parse(data) as ItemEventDraft).output_index === outputIndex;
}
