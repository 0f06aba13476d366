/** JSON, parsed in turns with other work: JSON.parse of some megabytes with many different names takes half a second. */
import { type JsonLimits, JsonReader } from "./json-reader.ts";
import { TimeSlice } from "./time-slice.ts";

/** Characters that are parsed in some milliseconds, whatever they are. */
const UNSLICED_CHARACTERS = 64 * 1024;
/** Some 5 ms. */
const SLICE_BYTES = 2 * 1024 * 1024;

/** Deep enough for whatever holds a body that was accepted (src/http/middleware/json-body.ts). */
const TRUSTED_LIMITS: JsonLimits = { depth: 1_024, fields: Infinity, values: Infinity };

/** As JSON.parse does, of a text that this server wrote. Throws for what is not JSON. */
export async function parseInSlices<T>(json: string): Promise<T> {
  if (json.length <= UNSLICED_CHARACTERS) return JSON.parse(json) as T;
  return (await readInSlices(new JsonReader(Buffer.from(json), { limits: TRUSTED_LIMITS }))) as T;
}

/** Everything that the reader is to read. Throws its refusal. */
export async function readInSlices(reader: JsonReader): Promise<unknown> {
  const slice = new TimeSlice();
  while (!reader.read(SLICE_BYTES)) if (slice.isOver) await slice.yieldToOthers();
  await slice.yieldToOthers();
  return reader.value();
}
