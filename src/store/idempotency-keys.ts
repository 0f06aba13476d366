/** `Idempotency-Key` on POST (contract.md#idempotency): one key, one body, one response, for 24 hours and per project. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";
import { TimeSlice } from "../concurrency/time-slice.ts";

const CLAIM_SECONDS = 24 * 60 * 60;

const claimSchema = z.object({ id: z.string(), fingerprint: z.string() });

/** `first`: go on under this id. `replay`: the id was given before for the same body. `conflict`: for another body. */
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

  /** Binds `id` to the key unless one is bound already. Atomic: of two requests at once, one is first. */
  async claim(hash: string, body: unknown, id: string): Promise<ClaimOutcome> {
    const claim = { id, fingerprint: await fingerprintOf(body) };
    const key = this.#layout.idempotency(hash);
    const before = await this.#redis.set(key, JSON.stringify(claim), "EX", CLAIM_SECONDS, "NX", "GET");
    if (before === null) return { kind: "first", id };
    const bound = claimSchema.parse(JSON.parse(before));
    return bound.fingerprint === claim.fingerprint ? { kind: "replay", id: bound.id } : { kind: "conflict" };
  }

  /** Deleting a response frees its key: the same request is a new run then. A key that is bound to another id stays. */
  async release(hash: string, id: string): Promise<void> {
    if (hash === "") return;
    const key = this.#layout.idempotency(hash);
    const bound = await this.#redis.get(key);
    if (bound !== null && claimSchema.parse(JSON.parse(bound)).id === id) await this.#redis.del(key);
  }
}

/** Some milliseconds of SHA-256. */
const SLICE_BYTES = 4 * 1024 * 1024;

/** The digest of the body's JSON. Of a long one, in turns with other requests. */
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
