/** Encodes a response's record once, so that its size is known before anything is written. */
import { TimeSlice } from "../concurrency/time-slice.ts";
import { encodeInput, type InputIndex } from "./input-pages.ts";
import type { NewRecord, StoredRequest } from "./response-record.ts";

/** `ancestors` come first: walking a chain reads only the front of the request (response-chain.ts). */
function encodeRequest({ ancestors, ...rest }: StoredRequest): string {
  return JSON.stringify({ ancestors, ...rest });
}

const encodeFlag = (value: boolean): string => (value ? "1" : "0");

/** Overhead of a response: the fields of its record, its keys and its entries in the list of responses. */
const RECORD_BYTES = 2_048;
/** Size of an input item's entry in the item index (item-index.ts). */
const INDEXED_ITEM_BYTES = 200;

export interface EncodedRecord {
  id: string;
  request: string;
  input: string;
  /** The start of each item of a long input (input-pages.ts), and the seconds that the index lives. */
  inputIndex: InputIndex;
  indexSeconds: number;
  events: string[];
  /** Values of FIXED_FIELDS, then name, value, … of the other fields. */
  fields: readonly (string | number)[];
  bytes: number;
}

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
const FIXED_FIELDS = ["bytes", ...PLAIN_FIELDS, ...FLAG_FIELDS] as const;
/** Written only if set: few responses have them. */
const OPTIONAL_FIELDS = [
  "model",
  "conversationId",
  "continuationId",
  "latestStartMs",
  "answers",
  "durable",
  "traceparent",
  "tracestate",
] as const satisfies (keyof NewRecord)[];

/**
 * Fields of every record, as Lua arguments: name, value, … Those of FIXED_FIELDS come from `args`, from the index `first`. Names
 * that are part of the script need not be sent with each record.
 */
export function fixedFieldsLua(args: string, first: string): string {
  const fixed = FIXED_FIELDS.map((name, i) => `'${name}', ${args}[${first} + ${i}]`);
  return `'lease', '', 'epoch', 0, 'attempts', 0, 'ending', '', 'deleted', '0', ${fixed.join(", ")}`;
}
export const FIXED_FIELD_COUNT = FIXED_FIELDS.length;

/** Maximum remaining lifetime of a response: it may end as late as its deadline. */
export function maxLifetimeSecondsOf({ deadlineMs, retentionSeconds }: Lifetime, nowMs: number): number {
  return retentionSeconds + Math.ceil(Math.max(0, deadlineMs - nowMs) / 1000);
}

type Lifetime = Pick<NewRecord, "deadlineMs" | "retentionSeconds">;

/** Yields to other requests while it encodes a large record. */
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
  const fields: (string | number)[] = [bytes];
  for (const name of PLAIN_FIELDS) fields.push(record[name]);
  for (const name of FLAG_FIELDS) fields.push(encodeFlag(record[name]));
  for (const name of OPTIONAL_FIELDS) {
    const value = record[name];
    if (value !== undefined && value !== "" && value !== 0) fields.push(name, value);
  }
  return fields;
}
