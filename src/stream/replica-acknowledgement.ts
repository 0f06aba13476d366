/**
 * Asks Redis whether enough replicas have what was written. WAIT counts only writes of its own connection, and blocks it;
 * so one question is under way at a time, with a write of its own before it, and whoever asks meanwhile shares the next.
 * The replication stream is ordered: replicas that have the probe have everything that this primary was told before it.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { RedisClient } from "../redis/script.ts";

/** How long one WAIT blocks the connection when replicas are missing. */
const WAIT_TIMEOUT_MS = 300;
const RETRY_MS = 200;
/** For callers without a signal of their own: a request must not wait for a replica that is gone. */
const DEFAULT_LIMIT_MS = 3_000;

/** Too few replicas answered in time. What was written stands on the primary and is not shown to anyone. */
export class ReplicasMissingError extends Error {
  override readonly name = "ReplicasMissingError";
  constructor() {
    super("NOREPLICAS Not enough replicas acknowledged the write in time.");
  }
}

export class ReplicaAcknowledgement {
  readonly #redis: RedisClient;
  readonly #probeKey: string;
  readonly #required: number;
  #asking: Promise<boolean> | undefined;
  #next: Promise<boolean> | undefined;

  /** `redis` is a connection that nothing else depends on while it waits. */
  constructor(redis: RedisClient, probeKey: string, required: number) {
    this.#redis = redis;
    this.#probeKey = probeKey;
    this.#required = required;
  }

  get isRequired(): boolean {
    return this.#required > 0;
  }

  /** Resolves when enough replicas have everything written before the call. Throws ReplicasMissingError, or the signal's reason. */
  async confirm(signal?: AbortSignal): Promise<void> {
    const limit = signal === undefined ? AbortSignal.timeout(DEFAULT_LIMIT_MS) : undefined;
    while (!(await this.#askOrShare())) {
      signal?.throwIfAborted();
      if (limit?.aborted) throw new ReplicasMissingError();
      await delay(RETRY_MS);
    }
  }

  /** A question that is under way may be older than the caller's write: only the next one covers it. */
  #askOrShare(): Promise<boolean> {
    if (this.#asking === undefined) return this.#start();
    this.#next ??= this.#asking.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<boolean> {
    this.#next = undefined;
    this.#asking = this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<boolean> {
    const [, acknowledged] = await Promise.all([
      this.#redis.set(this.#probeKey, "1"),
      this.#redis.wait(this.#required, WAIT_TIMEOUT_MS),
    ]);
    return acknowledged >= this.#required;
  }
}
