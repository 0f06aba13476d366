/** `Idempotency-Key` of POST (contract.md#idempotency): binds one body and one response per project, for 24 hours. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";
import { TimeSlice } from "../concurrency/time-slice.ts";

const CLAIM_SECONDS = 24 * 60 * 60;

const claimSchema = z.object({ id: z.string(), fingerprint: z.string() });

/** `first`: the key is new. `replay`: the key is bound to `id` for the same body. `conflict`: bound for another body. */
export type ClaimOutcome = { kind: "first"; id: string } | { kind: "replay"; id: string } | { kind: "conflict" };

export class IdempotencyKeys {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  hashKey(project: string, key: string): string {
    return digest(`${project}\n${key}`);
  }

  /** Binds `id` to the key unless the key is bound. Atomic: of two concurrent requests, one is first. */
  async claim(hash: string, body: unknown, id: string): Promise<ClaimOutcome> {
    const claim = { id, fingerprint: await fingerprintOf(body) };
    const key = this.#layout.idempotency(hash);
    const previous = await this.#redis.set(key, JSON.stringify(claim), "EX", CLAIM_SECONDS, "NX", "GET");
    if (previous === null) return { kind: "first", id };
    const bound = claimSchema.parse(JSON.parse(previous));
    return bound.fingerprint === claim.fingerprint ? { kind: "replay", id: bound.id } : { kind: "conflict" };
  }

  /** Call when a response is deleted: the same request then creates a new one. Keeps a key bound to another id. */
  async release(hash: string, id: string): Promise<void> {
    if (hash === "") return;
    const key = this.#layout.idempotency(hash);
    const bound = await this.#redis.get(key);
    if (bound !== null && claimSchema.parse(JSON.parse(bound)).id === id) await this.#redis.del(key);
  }
}

/** A few milliseconds of SHA-256. */
const SLICE_BYTES = 4 * 1024 * 1024;

/** The digest of the body's JSON. Yields to other requests in between. */
async function fingerprintOf(body: unknown): Promise<string> {
  const slice = new TimeSlice();
  const bytes = Buffer.from(JSON.stringify(body));
  const hash = createHash("sha256");
  for (let from = 0; from < bytes.length; from += SLICE_BYTES) {
    if (slice.isOver) await slice.yieldToOthers();
    hash.update(bytes.subarray(from, from + SLICE_BYTES));
  }
  return hash.digest("hex");
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
