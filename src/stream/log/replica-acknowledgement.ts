/**
 * Asks Redis whether enough replicas have what was written. WAIT counts only writes of its own connection, and blocks it;
 * so one question is under way at a time, with a write of its own before it, and whoever asks meanwhile shares the next.
 * The replication stream is ordered: replicas that have the probe have everything that this primary was told before it.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { RedisClient } from "../../redis/script.ts";

const WAIT_TIMEOUT_MS = 1_000;
const RETRY_MS = 200;
/** For callers without a signal of their own: a request must not wait for a replica that is gone. */
const DEFAULT_TIMEOUT_MS = 3_000;
/** Of these a replica that is far away has as many as fit, and one at least. */
const MIN_WAITS = 2;

export interface ReplicaRequirement {
  /** How many replicas must have an event before anyone sees it; 0 where there are none. */
  minReplicasAcked: number;
  /** How long one WAIT blocks its connection at most: longer than the answer of a replica takes. */
  replicaWaitMs?: number;
  /** A WAIT stayed short: the replicas are away, or this primary was left behind by a failover. */
  onReplicasMissing?: () => void;
}

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
  readonly #waitMs: number;
  readonly #onMissing: () => void;
  #connectionsLost = 0;
  #currentProbe: Promise<boolean> | undefined;
  #nextProbe: Promise<boolean> | undefined;

  /** `redis` is a connection that nothing else depends on while it waits. */
  constructor(redis: RedisClient, probeKey: string, requirement: ReplicaRequirement) {
    this.#redis = redis;
    this.#probeKey = probeKey;
    this.#required = requirement.minReplicasAcked;
    this.#waitMs = requirement.replicaWaitMs ?? WAIT_TIMEOUT_MS;
    this.#onMissing = requirement.onReplicasMissing ?? (() => {});
    if (this.isRequired) redis.on("close", () => (this.#connectionsLost += 1));
  }

  get isRequired(): boolean {
    return this.#required > 0;
  }

  /** Resolves when enough replicas have everything written before the call. Throws ReplicasMissingError, or the signal's reason. */
  async confirm(signal?: AbortSignal): Promise<void> {
    const limitMs = Math.max(DEFAULT_TIMEOUT_MS, MIN_WAITS * this.#waitMs);
    const limit = signal === undefined ? AbortSignal.timeout(limitMs) : undefined;
    while (!(await this.#joinNextProbe())) {
      signal?.throwIfAborted();
      if (limit?.aborted) throw new ReplicasMissingError();
      await delay(RETRY_MS);
    }
  }

  /**
   * Writes on this connection, and resolves when enough replicas have that. If the connection was lost in between it may
   * lead to another primary by now, which may have been asked in vain: then it is written again.
   */
  async writeConfirmed<T>(write: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      const before = this.#connectionsLost;
      const written = await write();
      if (!this.isRequired) return written;
      await this.confirm(signal);
      if (this.#connectionsLost === before) return written;
    }
  }

  /** A question that is under way may be older than the caller's write: only the next one covers it. */
  #joinNextProbe(): Promise<boolean> {
    if (this.#currentProbe === undefined) return this.#startProbe();
    this.#nextProbe ??= this.#currentProbe.then(
      () => this.#startProbe(),
      () => this.#startProbe(),
    );
    return this.#nextProbe;
  }

  #startProbe(): Promise<boolean> {
    this.#nextProbe = undefined;
    this.#currentProbe = this.#probe().finally(() => {
      this.#currentProbe = undefined;
    });
    return this.#currentProbe;
  }

  async #probe(): Promise<boolean> {
    const [, acknowledged] = await Promise.all([
      this.#redis.set(this.#probeKey, "1"),
      this.#redis.wait(this.#required, this.#waitMs),
    ]);
    if (acknowledged < this.#required) this.#onMissing();
    return acknowledged >= this.#required;
  }
}
