/**
 * The lease: the right to append to one response's log. There is one at a time, and taking it takes it away from the
 * holder before, who is then *fenced*: his next append is refused in the same atomic step in which it is checked.
 * So two workers may believe that they run the same response, but only one of them can say anything.
 *
 * A lease is `<epoch>-<nonce>`. The epoch orders the holders for people who read it; the nonce makes a lease unique even
 * if Redis came back from a crash with an older epoch. BullMQ's lock decides who *should* work, and may be wrong for a
 * while (a stopped process, a slow network); the lease decides who *does*.
 *
 * A lease that is taken from a holder who never gave it back says that its worker was lost, and not by whose fault. So it
 * charges nobody. Each response of that worker is suspected, the more if its log has not grown since the lease was taken,
 * and one that is suspected enough runs in a process of its own (workers/jobs/quarantine.ts). Charged is what nothing else
 * explains: a run that throws, and the death of a process that ran nothing else.
 */
import type { ResponseError, ResponseStatus } from "../../protocol/response.ts";
import type { RedisLayout } from "../../redis/layout.ts";
import { defineScript, type RedisClient } from "../../redis/script.ts";

/**
 * `held`: the caller may append from `last + 1`. `over`: it has ended. `ending`: somebody began to end it from outside.
 * `exhausted`: it was charged as many attempts as are allowed. `crashed`: it has crashed processes that ran nothing else.
 * `expired`: its deadline has passed. `gone`: there is no such response.
 */
export type AcquireOutcome =
  | { kind: "held"; lease: string; last: number; attempt: number; unknownSinceMs: number }
  | { kind: "over" | "ending" | "exhausted" | "crashed" | "expired" | "gone" };

/** Of processes that ran nothing else. */
export const MAX_ISOLATED_CRASHES = 2;
/** So many more losses than in a row without an event make a suspect of a response whose log grows each time. */
const LOSS_FACTOR_WITH_PROGRESS = 8;

export interface Suspicion {
  /** That it has, which the next lease will take from a lost worker; or ''. */
  lease: string;
  last: number;
  /** The last event when the lease was taken. */
  leasedLast: number;
  /** Workers that were lost with it: in a row without an event, and at all, since it has outlived a run. */
  stalls: number;
  losses: number;
}

/** Whether its next run must be alone in its process: after `limit` losses in a row without an event, or 8 times that. */
export function isSuspect({ lease, last, leasedLast, stalls, losses }: Suspicion, limit: number): boolean {
  const isLost = lease !== "";
  const stalled = !isLost ? stalls : last > leasedLast ? 0 : stalls + 1;
  return stalled >= limit || losses + (isLost ? 1 : 0) >= limit * LOSS_FACTOR_WITH_PROGRESS;
}

/*
 * KEYS  meta
 * ARGV  nonce, now in ms, attempts allowed, the worker's name
 * Returns {outcome, lease, last, attempt, since when workers cannot run it or 0}
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
 * ARGV  lease, whether it is a wait ('1' or '')
 * Gives the lease back without having ended the response; the attempt does not count, a wait does. Whoever can give it
 * back has outlived the run.
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
 * Gives the lease back, because this worker cannot run the response. Neither an attempt nor a wait; since when is noted.
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
 * ARGV  lease, the field in which the attempt counts
 * Gives the lease back after an attempt that nothing but the response explains.
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

/** Why somebody other than the worker ends a response. */
export type EndingReason = "cancel" | "fail";

/**
 * `fenced`: nobody else can append now; the caller appends the terminal event for `reason` from `last + 1`, with `lease`.
 * `over`: it had ended before, in `status`. `gone`: there is no such response.
 */
export type FenceOutcome =
  | { kind: "fenced"; lease: string; last: number; reason: EndingReason; error: ResponseError | undefined }
  | { kind: "over"; status: ResponseStatus }
  | { kind: "gone" };

/*
 * KEYS  meta
 * ARGV  nonce, reason, error as JSON or ''
 * The first reason stays: whoever finds one begun goes on with the same lease, and both append the same.
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

  /** For a worker that begins an attempt. Its name is kept in the record, for people who look for the run. */
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

  /** For a worker that hands a response over. False if the lease was lost already. */
  async release(id: string, lease: string): Promise<boolean> {
    return (await releaseScript(this.#redis, this.#layout.meta(id), lease, "")) === 1;
  }

  /** For a worker whose response waits in the queue for its provider. False if the lease was lost already. */
  async postpone(id: string, lease: string): Promise<boolean> {
    return (await releaseScript(this.#redis, this.#layout.meta(id), lease, "1")) === 1;
  }

  /** For a worker whose configuration lacks what the response needs. False if the lease was lost already. */
  async leaveToOtherWorkers(id: string, lease: string, nowMs: number): Promise<boolean> {
    return (await leaveToOtherWorkersScript(this.#redis, this.#layout.meta(id), lease, nowMs)) === 1;
  }

  async clearUnknownSince(id: string): Promise<void> {
    await this.#redis.hdel(this.#layout.meta(id), "unknownSinceMs");
  }

  /** For a worker whose run has thrown. False if the lease was lost already. */
  async chargeFailure(id: string, lease: string): Promise<boolean> {
    return (await chargeScript(this.#redis, this.#layout.meta(id), lease, "charged")) === 1;
  }

  /** For a response that ran alone in a process, which has died. */
  async chargeCrash(id: string, lease: string): Promise<boolean> {
    return (await chargeScript(this.#redis, this.#layout.meta(id), lease, "crashes")) === 1;
  }

  /** For one that has run for long enough to be suspected no more. */
  async clearSuspicion(id: string, lease: string): Promise<boolean> {
    return (await clearSuspicionScript(this.#redis, this.#layout.meta(id), lease)) === 1;
  }

  /** Whether `lease` still is the current one. */
  async isCurrent(id: string, lease: string): Promise<boolean> {
    return (await this.#redis.hget(this.#layout.meta(id), "lease")) === lease;
  }

  /** For cancel and the sweeper: stops whoever appends, for good. */
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
    const [kind, lease, last, begun, errorJson] = reply;
    return {
      kind,
      lease,
      last,
      reason: begun,
      error: errorJson ? (JSON.parse(errorJson) as ResponseError) : undefined,
    };
  }
}
