/** How long waiting responses have waited. */
import { z } from "zod";
import type { RedisLayout } from "../redis/layout.ts";
import type { Clock } from "../redis/redis-clock.ts";
import type { RedisClient } from "../redis/script.ts";

/** The part of a run's step that this file reads (src/protocol/run.ts). */
const stepSchema = z.object({ since_ms: z.number() });

export class WaitingTimes {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #clock: Clock;

  constructor(redis: RedisClient, layout: RedisLayout, clock: Clock) {
    this.#redis = redis;
    this.#layout = layout;
    this.#clock = clock;
  }

  /** In milliseconds since its present step began, or since its acceptance; undefined for a response without a record. */
  async read(id: string): Promise<number | undefined> {
    const [createdAt, step] = await this.#redis.hmget(this.#layout.meta(id), "createdAtMs", "step");
    const sinceMs = parseSince(step) ?? Number(createdAt ?? Number.NaN);
    return Number.isFinite(sinceMs) ? Math.max(0, this.#clock.nowMs() - sinceMs) : undefined;
  }
}

/** Undefined for a record of a release that recorded no steps. */
function parseSince(step: string | null | undefined): number | undefined {
  try {
    return stepSchema.safeParse(JSON.parse(step ?? "null")).data?.since_ms;
  } catch {
    return undefined;
  }
}
