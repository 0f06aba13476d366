/** JSON, parsed in turns with other work: JSON.parse of some megabytes with many different names takes half a second. */
import { type JsonBounds, JsonReader } from "./json-reader.ts";
import { Turns } from "./turns.ts";

/** Characters that are parsed in some milliseconds, whatever they are. */
const SHORT = 64 * 1024;
/** Some 5 ms. */
const SLICE_BYTES = 2 * 1024 * 1024;

/** Deep enough for whatever holds a body that was accepted (src/http/middleware/json-body.ts). */
const OWN_BOUNDS: JsonBounds = { depth: 1_024, fields: Infinity, values: Infinity };

/** As JSON.parse does, of a text that this server wrote. Throws for what is not JSON. */
export async function parseInTurns<T>(json: string): Promise<T> {
  if (json.length <= SHORT) return JSON.parse(json) as T;
  return (await readInTurns(new JsonReader(Buffer.from(json), { bounds: OWN_BOUNDS }))) as T;
}

/** Everything that the reader is to read. Throws its refusal. */
export async function readInTurns(reader: JsonReader): Promise<unknown> {
  const turns = new Turns();
  while (!reader.read(SLICE_BYTES)) if (turns.isOver) await turns.next();
  await turns.next();
  return reader.value();
}
