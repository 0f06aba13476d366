/** Parses JSON in slices: JSON.parse blocks for half a second on a few megabytes with many different names. */
import { JsonReader } from "./json-reader.ts";
import type { JsonLimits } from "./json-limits.ts";
import { TimeSlice } from "./time-slice.ts";

/** Any text of this length parses within a few milliseconds. */
const UNSLICED_CHARACTERS = 64 * 1024;
/** About 5 ms of work. */
const SLICE_BYTES = 2 * 1024 * 1024;

/** Deep enough for everything that contains an accepted body (src/http/middleware/json-body.ts). */
const TRUSTED_LIMITS: JsonLimits = { depth: 1_024, fields: Infinity, values: Infinity };

/** Like JSON.parse, for text that this server wrote. Throws if the text is not JSON. */
export async function parseInSlices<T>(json: string): Promise<T> {
  if (json.length <= UNSLICED_CHARACTERS) return JSON.parse(json) as T;
  return (await readInSlices(new JsonReader(Buffer.from(json), { limits: TRUSTED_LIMITS }))) as T;
}

/** Reads to the end. Throws the reader's error. */
export async function readInSlices(reader: JsonReader): Promise<unknown> {
  const slice = new TimeSlice();
  while (!reader.read(SLICE_BYTES)) if (slice.isOver) await slice.yieldToOthers();
  await slice.yieldToOthers();
  return reader.value();
}
