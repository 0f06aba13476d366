/** Ids of traces and spans in hexadecimal: random, except those of attempts, which every process can derive. */
import { hash, randomFillSync } from "node:crypto";

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
/** Many ids per call of the random generator, which costs more than an id. */
const random = Buffer.alloc(4_096);
let used = random.length;

/** An id of zeros is invalid, and no likelier than the same id twice. */
function createId(bytes: number): string {
  if (used + bytes > random.length) {
    randomFillSync(random);
    used = 0;
  }
  used += bytes;
  return random.toString("hex", used - bytes, used);
}

export function createTraceId(): string {
  return createId(TRACE_ID_BYTES);
}

export function createSpanId(): string {
  return createId(SPAN_ID_BYTES);
}

/**
 * A process that dies exports nothing of its attempt, and the spans of its model calls would have no parent. The worker that
 * takes over adds the span of that attempt, under the same id.
 */
export function attemptSpanId(responseId: string, worker: string, startedAtMs: number | undefined): string {
  if (startedAtMs === undefined) return createSpanId();
  return hash("sha256", `${responseId} ${worker} ${startedAtMs}`, "hex").slice(0, SPAN_ID_BYTES * 2);
}
