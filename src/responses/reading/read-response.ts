/** Reads the current response for GET, by folding the log. */
import { isOpeningEventType, isTerminalEventType } from "../../protocol/event.ts";
import { type LoggedEvent, eventTypeOf } from "../../stream/log/event-log-reader.ts";
import { foldLog } from "../../stream/log/snapshot.ts";
import type { Storage } from "../storage.ts";

export interface CurrentResponse {
  /** The response object. */
  json: string;
  hasEnded: boolean;
}

/** Undefined if the response has no log. */
export async function readResponse(
  { visibleLogReader }: Pick<Storage, "visibleLogReader">,
  id: string,
): Promise<CurrentResponse | undefined> {
  const last = await visibleLogReader.readLast(id);
  if (last === undefined) return undefined;
  if (isTerminalEventType(eventTypeOf(last.data))) return { json: extractResponseJson(last), hasEnded: true };
  // The opening event holds the response as it is. Its request may be megabytes, so the server does not parse it.
  if (isOpeningEventType(eventTypeOf(last.data))) return { json: extractResponseJson(last), hasEnded: false };
  const folded = await foldLog(visibleLogReader, id);
  return folded && { json: JSON.stringify(folded.response), hasEnded: false };
}

const RESPONSE_FIELD = '"response":';

/**
 * The response inside a lifecycle event, without parsing what may be megabytes. `sequenceEvents` writes `response` as the
 * last field, after `type` and `sequence_number`.
 */
export function extractResponseJson(event: Pick<LoggedEvent, "data">): string {
  return event.data.slice(event.data.indexOf(RESPONSE_FIELD) + RESPONSE_FIELD.length, -1);
}
