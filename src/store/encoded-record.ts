/** A response's record as it is written: encoded once, so that its bytes are known before anything is. */
import { TimeSlice } from "../concurrency/time-slice.ts";
import { encodeInput, type InputIndex } from "./input-pages.ts";
import type { NewRecord, StoredRequest } from "./response-record.ts";

/** The links come first: whoever walks a chain reads only this far. */
function encodeRequest({ ancestors, ...rest }: StoredRequest): string {
  return JSON.stringify({ ancestors, ...rest });
}

const encodeFlag = (value: boolean): string => (value ? "1" : "0");

/** What a response takes beside its texts: its record and its keys. */
const RECORD_BYTES = 1_024;
/** What an input item takes in the item index once it can be named (item-index.ts). */
const INDEXED_ITEM_BYTES = 200;

/** Of every record when it is new: names and values, in Lua. */
export const NEW_RECORD_FIELDS = `'lease', '', 'epoch', 0, 'attempts', 0, 'ending', '', 'deleted', '0'`;

/** A record as it is written, and how many bytes it takes. */
export interface EncodedRecord {
  id: string;
  request: string;
  input: string;
  /** Where each item of a long input begins (input-pages.ts), and the seconds for which that is kept. */
  inputIndex: InputIndex;
  indexSeconds: number;
  events: string[];
  /** Of the record: name, value, name, value … */
  fields: readonly (string | number)[];
  bytes: number;
}

/** Of the record, as they are. */
const PLAIN_FIELDS = [
  "project",
  "status",
  "priority",
  "createdAtMs",
  "deadlineMs",
  "retentionSeconds",
  "idempotencyHash",
] as const satisfies (keyof NewRecord)[];
const FLAG_FIELDS = ["background", "readable", "stored"] as const satisfies (keyof NewRecord)[];
/** Not written where they say nothing: few responses have one. */
const OPTIONAL_FIELDS = [
  "conversationId",
  "continuationId",
  "latestStartMs",
  "durable",
] as const satisfies (keyof NewRecord)[];

/** For how long from now a response is kept at the longest: it may end as late as at its deadline. */
export function maxLifetimeSecondsOf({ deadlineMs, retentionSeconds }: Lifetime, nowMs: number): number {
  return retentionSeconds + Math.ceil(Math.max(0, deadlineMs - nowMs) / 1000);
}

type Lifetime = Pick<NewRecord, "deadlineMs" | "retentionSeconds">;

/** Of a large record, in turns with other requests. */
export async function encodeRecord(record: NewRecord): Promise<EncodedRecord> {
  const { id, input, events } = record;
  const { json, index: inputIndex } = await encodeInput(input);
  const slice = new TimeSlice();
  const indexSeconds = maxLifetimeSecondsOf(record, record.createdAtMs);
  if (slice.isOver) await slice.yieldToOthers();
  const request = encodeRequest(record.request);
  let bytes = RECORD_BYTES + input.length * INDEXED_ITEM_BYTES;
  for (const text of [request, json, ...events]) {
    if (slice.isOver) await slice.yieldToOthers();
    bytes += Buffer.byteLength(text);
  }
  return { id, request, input: json, inputIndex, indexSeconds, events, fields: encodeFields(record, bytes), bytes };
}

function encodeFields(record: NewRecord, bytes: number): (string | number)[] {
  const fields: (string | number)[] = ["bytes", bytes];
  for (const name of PLAIN_FIELDS) fields.push(name, record[name]);
  for (const name of FLAG_FIELDS) fields.push(name, encodeFlag(record[name]));
  for (const name of OPTIONAL_FIELDS) {
    const value = record[name];
    if (value !== undefined && value !== "" && value !== 0) fields.push(name, value);
  }
  return fields;
}
