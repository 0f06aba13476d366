/** What GET answers: the fold of the log, by the same reducer that everybody else uses. */
import { isOpeningEventType, isTerminalEventType } from "../../protocol/event.ts";
import { type LoggedEvent, eventTypeOf } from "../../stream/log/event-log-reader.ts";
import { foldLog } from "../../stream/log/snapshot.ts";
import type { Storage } from "../storage.ts";

/** The response as JSON, and whether it has ended. Undefined if there is no log. */
export interface CurrentResponse {
  json: string;
  hasEnded: boolean;
}

export async function readResponse(storage: Storage, id: string): Promise<CurrentResponse | undefined> {
  const last = await storage.visibleLogReader.readLast(id);
  if (last === undefined) return undefined;
  if (isTerminalEventType(eventTypeOf(last.data))) return { json: extractResponseJson(last), hasEnded: true };
  // Nothing has been said since: what it was asked with may be megabytes, which nobody has to parse.
  if (isOpeningEventType(eventTypeOf(last.data))) return { json: extractResponseJson(last), hasEnded: false };
  const folded = await foldLog(storage.redis, storage.layout, storage.visibleLogReader, id);
  return folded && { json: JSON.stringify(folded.response), hasEnded: false };
}

const RESPONSE_FIELD = '"response":';

/**
 * The response inside a lifecycle event, without parsing what may be megabytes: `sequenceEvents` writes `type`,
 * `sequence_number` and then `response` as the last field.
 */
export function extractResponseJson(event: Pick<LoggedEvent, "data">): string {
  return event.data.slice(event.data.indexOf(RESPONSE_FIELD) + RESPONSE_FIELD.length, -1);
}
