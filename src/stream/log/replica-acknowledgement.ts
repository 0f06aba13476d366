/**
 * Waits until enough replicas have a write. WAIT covers only writes of its own connection, and blocks it, so one probe
 * runs at a time, preceded by a write of its own, and callers that arrive meanwhile share the next probe. The
 * replication stream is ordered: replicas that have the probe have everything written before it.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { RedisClient } from "../../redis/script.ts";

const WAIT_TIMEOUT_MS = 1_000;
const RETRY_MS = 200;
/** Limit for callers without a signal: a request must not wait for a lost replica. */
const DEFAULT_TIMEOUT_MS = 3_000;
/** Minimum number of WAITs within the limit; a distant replica gets as many as fit. */
const MIN_WAITS = 2;

export interface ReplicaRequirement {
  /** Replicas that must have an event before it becomes visible; 0 without replicas. */
  minReplicasAcked: number;
  /** Maximum time for which one WAIT blocks its connection. Must exceed a replica's response time. */
  replicaWaitMs?: number;
  /** Called when too few replicas answered: replicas are down, or a failover left this primary behind. */
  onReplicasMissing?: () => void;
}

/** Too few replicas answered in time. The write stays on the primary and is not visible to clients. */
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

  /** `redis` is a dedicated connection, because WAIT blocks it. */
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

  /**
   * Resolves when enough replicas have everything written before the call. Throws ReplicasMissingError, or the signal's
   * reason.
   */
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
   * Runs `write` on this connection and resolves when enough replicas have it. If the connection was lost in between,
   * it may lead to another primary that never received the write, so `write` runs again.
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

  /** A running probe may predate the caller's write, so only the next probe covers it. */
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
