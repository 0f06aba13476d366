/**
 * A fold of the log up to some sequence number, so that GET need not read a long log from the start. It is only a
 * cache: deleting it changes no result.
 */
import type { EventDraft } from "../../protocol/event.ts";
import type { Response } from "../../protocol/response.ts";
import { foldEvents, type ResponseState } from "../../lifecycle/apply-event.ts";
import { parseInSlices } from "../../concurrency/parse-in-slices.ts";
import type { EventLogReader } from "./event-log-reader.ts";

export interface Snapshot {
  sequenceNumber: number;
  response: Response;
  openIndices: number[];
}

export function takeSnapshot(state: ResponseState, sequenceNumber: number): Snapshot {
  return { sequenceNumber, response: state.response, openIndices: [...state.openIndices] };
}

export interface FoldedLog extends ResponseState {
  /** The last folded event. */
  last: number;
}

/** Folds the log into its state, from the stored snapshot and the events after it. Returns undefined if there is no log. */
export async function foldLog(reader: EventLogReader, id: string): Promise<FoldedLog | undefined> {
  const [json, end] = await Promise.all([reader.readSnapshotJson(id), reader.readVisibleEnd(id)]);
  const stored = json === null ? undefined : await parseInSlices<Snapshot>(json);
  // A snapshot may be ahead of the visible end.
  const snapshot = stored !== undefined && end !== undefined && stored.sequenceNumber > end ? undefined : stored;
  let last = snapshot?.sequenceNumber ?? -1;
  let state: ResponseState | undefined = snapshot && {
    response: snapshot.response,
    openIndices: new Set(snapshot.openIndices),
  };
  for (;;) {
    const { events, hasMore } = await reader.readPage(id, last + 1);
    const drafts: EventDraft[] = [];
    for (const event of events) drafts.push(await parseInSlices(event.data));
    state = foldEvents(drafts, state);
    last = events.at(-1)?.sequenceNumber ?? last;
    if (!hasMore) return state && { ...state, last };
  }
}
