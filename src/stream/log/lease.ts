/**
 * The lease is the right to append to one response's log. There is one lease at a time. Acquiring it *fences* the
 * previous holder: the next append of that holder is rejected in the same atomic step that checks the lease. Two
 * workers may believe that they run the same response, but only one can append.
 *
 * A lease is `<epoch>-<nonce>`. The epoch shows the order of holders to people; the nonce keeps a lease unique even if
 * Redis restores an older epoch after a crash. BullMQ's lock decides which worker *should* run and can be wrong for a
 * while (a stopped process, a slow network); the lease decides which worker *does*.
 *
 * If a worker acquires a lease that its holder never released, the holder was lost, and the cause is unknown, so no
 * response is charged. Instead, each response of the lost worker becomes more suspect, and more so if its log has not
 * grown since it acquired the lease. A response that is suspect enough runs in its own process
 * (workers/jobs/quarantine.ts). A response is charged only for failures that nothing else explains: a run that throws,
 * or the crash of a process that ran nothing else.
 */
import type { ResponseError, ResponseStatus } from "../../protocol/response.ts";
import type { RedisLayout } from "../../redis/layout.ts";
import { defineScript, type RedisClient } from "../../redis/script.ts";
import { MAX_ISOLATED_CRASHES } from "./suspicion.ts";

/**
 * `held`: the caller may append from `last + 1`; `over`: the response has ended; `ending`: another process has started
 * to end it; `exhausted`: it has used all attempts; `crashed`: it has crashed processes that ran nothing else;
 * `expired`: its deadline has passed; `gone`: there is no such response.
 */
export type AcquireOutcome =
  | { kind: "held"; lease: string; last: number; attempt: number; unknownSinceMs: number }
  | { kind: "over" | "ending" | "exhausted" | "crashed" | "expired" | "gone" };

/*
 * KEYS  meta
 * ARGV  nonce, now in ms, maximum attempts, worker name
 * Returns {outcome, lease, last, attempt, time since which no worker can run it, or 0}
 */
const acquireScript = defineScript<[AcquireOutcome["kind"], string, number, number, number?]>(
  "acquireLease",
  1,
  `
  local meta = redis.call('HMGET', KEYS[1], 'status', 'ending', 'attempts', 'deadlineMs', 'last', 'lease',
    'charged', 'crashes', 'stalls', 'leasedLast', 'losses', 'unknownSinceMs')
  local unknownSince = tonumber(meta[12] or 0)
  if not meta[1] then return {'gone', '', -1, 0} end
  -- Sent again after a connection error: it was held already.
  if meta[6] ~= '' and string.sub(meta[6], -#ARGV[1]) == ARGV[1] then
    return {'held', meta[6], tonumber(meta[5]), tonumber(meta[3]), unknownSince}
  end
  if meta[1] ~= 'queued' and meta[1] ~= 'in_progress' then return {'over', '', -1, 0} end
  if meta[2] ~= '' then return {'ending', '', -1, 0} end
  if tonumber(meta[4]) <= tonumber(ARGV[2]) then return {'expired', '', -1, 0} end
  local stalls, losses = tonumber(meta[9] or 0), tonumber(meta[11] or 0)
  if meta[6] ~= '' then
    losses = losses + 1
    stalls = tonumber(meta[5]) > tonumber(meta[10] or 0) and 0 or stalls + 1
  end
  if tonumber(meta[7] or 0) >= tonumber(ARGV[3]) then return {'exhausted', '', -1, 0} end
  if tonumber(meta[8] or 0) >= ${MAX_ISOLATED_CRASHES} then return {'crashed', '', -1, 0} end
  local lease = redis.call('HINCRBY', KEYS[1], 'epoch', 1) .. '-' .. ARGV[1]
  redis.call('HSET', KEYS[1], 'lease', lease, 'worker', ARGV[4], 'stalls', stalls, 'losses', losses,
    'leasedLast', meta[5])
  return {'held', lease, tonumber(meta[5]), redis.call('HINCRBY', KEYS[1], 'attempts', 1), unknownSince}
`,
);

/*
 * KEYS  meta
 * ARGV  lease, '1' for a wait or ''
 * Releases the lease without ending the response. The attempt does not count; a wait does. A holder that can release it
 * has survived the run.
 */
const releaseScript = defineScript<0 | 1>(
  "releaseLease",
  1,
  `
  if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
  redis.call('HSET', KEYS[1], 'lease', '', 'stalls', 0, 'losses', 0)
  redis.call('HINCRBY', KEYS[1], 'attempts', -1)
  if ARGV[2] ~= '' then redis.call('HINCRBY', KEYS[1], 'waits', 1) end
  return 1
`,
  { runsWhenFull: true },
);

/*
 * KEYS  meta
 * ARGV  lease, now in ms
 * Releases the lease because this worker cannot run the response. Counts as neither attempt nor wait; records the time.
 */
const leaveToOtherWorkersScript = defineScript<0 | 1>(
  "leaveToOtherWorkers",
  1,
  `
  if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
  redis.call('HSET', KEYS[1], 'lease', '', 'stalls', 0, 'losses', 0)
  redis.call('HINCRBY', KEYS[1], 'attempts', -1)
  redis.call('HSETNX', KEYS[1], 'unknownSinceMs', ARGV[2])
  return 1
`,
);

/*
 * KEYS  meta
 * ARGV  lease, the field that counts the attempt
 * Releases the lease after an attempt whose failure only the response explains.
 */
const chargeScript = defineScript<0 | 1>(
  "chargeAttempt",
  1,
  `
  if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
  redis.call('HSET', KEYS[1], 'lease', '')
  redis.call('HINCRBY', KEYS[1], ARGV[2], 1)
  return 1
`,
  { runsWhenFull: true },
);

/*
 * KEYS  meta
 * ARGV  lease
 */
const clearSuspicionScript = defineScript<0 | 1>(
  "clearSuspicion",
  1,
  `
  if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
  redis.call('HSET', KEYS[1], 'stalls', 0, 'losses', 0)
  return 1
`,
);

/** The reason why a process other than the worker ends a response. */
export type EndingReason = "cancel" | "fail";

/**
 * `fenced`: no other process can append now; the caller appends the terminal event for `reason` from `last + 1`, with
 * `lease`. `over`: the response had already ended, in `status`. `gone`: there is no such response.
 */
export type FenceOutcome =
  | { kind: "fenced"; lease: string; last: number; reason: EndingReason; error: ResponseError | undefined }
  | { kind: "over"; status: ResponseStatus }
  | { kind: "gone" };

/*
 * KEYS  meta
 * ARGV  nonce, reason, error as JSON or ''
 * The first reason wins: a process that finds an end in progress continues with the same lease, and both append the
 * same event.
 * Returns {'fenced', lease, last, reason, error} | {'over', status} | {'gone'}
 */
const fenceScript = defineScript<
  ["fenced", string, number, EndingReason, string] | ["over", ResponseStatus] | ["gone"]
>(
  "fenceResponse",
  1,
  `
  local meta = redis.call('HMGET', KEYS[1], 'status', 'ending', 'lease', 'last', 'endingError')
  if not meta[1] then return {'gone'} end
  if meta[1] ~= 'queued' and meta[1] ~= 'in_progress' then return {'over', meta[1]} end
  if meta[2] ~= '' then return {'fenced', meta[3], tonumber(meta[4]), meta[2], meta[5]} end
  local lease = redis.call('HINCRBY', KEYS[1], 'epoch', 1) .. '-' .. ARGV[1]
  redis.call('HSET', KEYS[1], 'lease', lease, 'ending', ARGV[2], 'endingError', ARGV[3])
  return {'fenced', lease, tonumber(meta[4]), ARGV[2], ARGV[3]}
`,
  { runsWhenFull: true },
);

const newNonce = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");

export class Leases {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** Starts an attempt. The record keeps the worker's name for people who look for the run. */
  async acquire(id: string, nowMs: number, attemptsAllowed: number, worker: string): Promise<AcquireOutcome> {
    const [kind, lease, last, attempt, unknownSinceMs = 0] = await acquireScript(
      this.#redis,
      this.#layout.meta(id),
      newNonce(),
      nowMs,
      attemptsAllowed,
      worker,
    );
    return kind === "held" ? { kind, lease, last, attempt, unknownSinceMs } : { kind };
  }

  /** Hands a response over. Returns false if the lease was already lost. */
  async release(id: string, lease: string): Promise<boolean> {
    return (await releaseScript(this.#redis, this.#layout.meta(id), lease, "")) === 1;
  }

  /** Releases a response that waits in the queue for its provider. Returns false if the lease was already lost. */
  async postpone(id: string, lease: string): Promise<boolean> {
    return (await releaseScript(this.#redis, this.#layout.meta(id), lease, "1")) === 1;
  }

  /** Releases a response that this worker's configuration cannot run. Returns false if the lease was already lost. */
  async leaveToOtherWorkers(id: string, lease: string, nowMs: number): Promise<boolean> {
    return (await leaveToOtherWorkersScript(this.#redis, this.#layout.meta(id), lease, nowMs)) === 1;
  }

  async clearUnknownSince(id: string): Promise<void> {
    await this.#redis.hdel(this.#layout.meta(id), "unknownSinceMs");
  }

  /** Charges a failed run. Returns false if the lease was already lost. */
  async chargeFailure(id: string, lease: string): Promise<boolean> {
    return (await chargeScript(this.#redis, this.#layout.meta(id), lease, "charged")) === 1;
  }

  /** Charges the crash of a process that ran only this response. */
  async chargeCrash(id: string, lease: string): Promise<boolean> {
    return (await chargeScript(this.#redis, this.#layout.meta(id), lease, "crashes")) === 1;
  }

  /** Clears suspicion from a response that has run long enough. */
  async clearSuspicion(id: string, lease: string): Promise<boolean> {
    return (await clearSuspicionScript(this.#redis, this.#layout.meta(id), lease)) === 1;
  }

  /** Whether `lease` is still the current one. */
  async isCurrent(id: string, lease: string): Promise<boolean> {
    return (await this.#redis.hget(this.#layout.meta(id), "lease")) === lease;
  }

  /** Fences a response permanently, for cancel and the sweeper. */
  async fence(id: string, reason: EndingReason, error?: ResponseError): Promise<FenceOutcome> {
    const reply = await fenceScript(
      this.#redis,
      this.#layout.meta(id),
      newNonce(),
      reason,
      error === undefined ? "" : JSON.stringify(error),
    );
    if (reply[0] === "gone") return { kind: "gone" };
    if (reply[0] === "over") return { kind: "over", status: reply[1] };
    const [kind, lease, last, endingReason, errorJson] = reply;
    return {
      kind,
      lease,
      last,
      reason: endingReason,
      error: errorJson ? (JSON.parse(errorJson) as ResponseError) : undefined,
    };
  }
}
