/** Ids of spans: random, except those of attempts, which every process can derive. */
import { type IdGenerator, RandomIdGenerator } from "@opentelemetry/sdk-trace";
import { createHash } from "node:crypto";

export class SpanIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #next: string | undefined;

  generateTraceId(): string {
    return this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.#next ?? this.#random.generateSpanId();
  }

  /** Gives the id, if there is one, to the span that `start` starts. */
  using<T>(id: string | undefined, start: () => T): T {
    this.#next = id;
    try {
      return start();
    } finally {
      this.#next = undefined;
    }
  }
}

const ID_HEX_DIGITS = 16;

/**
 * A process that dies exports nothing of its attempt, and the spans of its model calls would have no parent. The worker that
 * takes over adds the span of that attempt, under the same id.
 */
export function attemptSpanId(responseId: string, worker: string, startedAtMs: number | undefined): string | undefined {
  if (startedAtMs === undefined) return undefined;
  return createHash("sha256").update(`${responseId} ${worker} ${startedAtMs}`).digest("hex").slice(0, ID_HEX_DIGITS);
}
