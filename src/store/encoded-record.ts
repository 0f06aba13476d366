/** A response's record as it is written: encoded once, so that its bytes are known before anything is. */
import { encodeInput } from "./input-pages.ts";
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
  inputIndex: (string | number)[];
  indexSeconds: number;
  events: string[];
  fields: Readonly<Record<string, string | number>>;
  bytes: number;
}

export function encodeRecord(record: NewRecord): EncodedRecord {
  const { id, request, input, events, background, readable, stored, durable, ...rest } = record;
  const { json, index: inputIndex } = encodeInput(input);
  const indexSeconds = longestLifetimeSeconds(rest, record.createdAtMs);
  const encoded = { id, request: encodeRequest(request), input: json, inputIndex, indexSeconds, events };
  const texts = [encoded.request, encoded.input, ...events];
  const bytes =
    texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) + RECORD_BYTES + input.length * INDEXED_ITEM_BYTES;
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
