/** A response's record as it is written: encoded once, so that its bytes are known before anything is. */
import { Turns } from "../turns/turns.ts";
import { encodeInput, type InputIndex } from "./input-pages.ts";
import { longestLifetimeSeconds, type NewRecord, type StoredRequest } from "./response-record.ts";

/** The links come first: whoever walks a chain reads only this far. */
function encodeRequest({ ancestors, ...rest }: StoredRequest): string {
  return JSON.stringify({ ancestors, ...rest });
}

const asFlag = (value: boolean): string => (value ? "1" : "0");

/** What a response takes beside its texts: its record and its keys. */
const RECORD_BYTES = 1_024;
/** What an input item takes in the item index once it can be named (item-index.ts). */
const INDEXED_ITEM_BYTES = 200;

/** A record as it is written, and how many bytes it takes. */
export interface EncodedRecord {
  id: string;
  request: string;
  input: string;
  /** Where each item of a long input begins (input-pages.ts), and the seconds for which that is kept. */
  inputIndex: InputIndex;
  indexSeconds: number;
  events: string[];
  fields: Readonly<Record<string, string | number>>;
  bytes: number;
}

/** Of a large record, in turns with other requests. */
export async function encodeRecord(record: NewRecord): Promise<EncodedRecord> {
  const { id, request, input, events, background, readable, stored, durable, ...rest } = record;
  const { json, index: inputIndex } = await encodeInput(input);
  const turns = new Turns();
  const indexSeconds = longestLifetimeSeconds(rest, record.createdAtMs);
  if (turns.isOver) await turns.next();
  const encoded = { id, request: encodeRequest(request), input: json, inputIndex, indexSeconds, events };
  let bytes = RECORD_BYTES + input.length * INDEXED_ITEM_BYTES;
  for (const text of [encoded.request, encoded.input, ...events]) {
    if (turns.isOver) await turns.next();
    bytes += Buffer.byteLength(text);
  }
  const fields = {
    ...rest,
    background: asFlag(background),
    readable: asFlag(readable),
    stored: asFlag(stored),
    ...(durable !== undefined && { durable }),
    lease: "",
    epoch: 0,
    attempts: 0,
    ending: "",
    deleted: asFlag(false),
    bytes,
  };
  return { ...encoded, fields, bytes };
}
