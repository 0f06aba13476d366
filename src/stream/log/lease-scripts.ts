/** The scripts that give, release and fence a lease (lease.ts). Each also notes for people how the attempt went. */
import type { ResponseStatus } from "../../protocol/response.ts";
import { defineScript } from "../../redis/script.ts";
import { ATTEMPT_LOG_LUA } from "./attempt-log.ts";
import { MAX_ISOLATED_CRASHES } from "./suspicion.ts";

/**
 * `held`: the caller may append from `last + 1`; `over`: the response has ended; `ending`: another process has started
 * to end it; `exhausted`: it has used all attempts; `crashed`: it has crashed processes that ran nothing else;
 * `expired`: its deadline has passed; `gone`: there is no such response.
 */
export type AcquireOutcome =
  | {
      kind: "held";
      lease: string;
      last: number;
      attempt: number;
      unknownSinceMs: number;
      /** The worker that lost the response, or ''. */
      lostWorker: string;
    }
  | { kind: "over" | "ending" | "exhausted" | "crashed" | "expired" | "gone" };

/*
 * KEYS  meta
 * ARGV  nonce, now in ms, maximum attempts, worker name
 * Returns {outcome, lease, last, attempt, time since which no worker can run it, or 0, the worker that lost it, or ''}
 */
export const acquireScript = defineScript<[AcquireOutcome["kind"], string, number, number, number?, string?]>(
  "acquireLease",
  1,
  `${ATTEMPT_LOG_LUA}
  local meta = redis.call('HMGET', KEYS[1], 'status', 'ending', 'attempts', 'deadlineMs', 'last', 'lease',
    'charged', 'crashes', 'stalls', 'leasedLast', 'losses', 'unknownSinceMs', 'worker')
  local unknownSince = tonumber(meta[12] or 0)
  if not meta[1] then return {'gone', '', -1, 0} end
  -- Sent again after a connection error: it was held already.
  if meta[6] ~= '' and string.sub(meta[6], -#ARGV[1]) == ARGV[1] then
    return {'held', meta[6], tonumber(meta[5]), tonumber(meta[3]), unknownSince, ''}
  end
  if meta[1] ~= 'queued' and meta[1] ~= 'in_progress' then return {'over', '', -1, 0} end
  if meta[2] ~= '' then return {'ending', '', -1, 0} end
  if tonumber(meta[4]) <= tonumber(ARGV[2]) then return {'expired', '', -1, 0} end
  local stalls, losses, lostWorker = tonumber(meta[9] or 0), tonumber(meta[11] or 0), ''
  if meta[6] ~= '' then
    lostWorker = meta[13] or ''
    losses = losses + 1
    stalls = tonumber(meta[5]) > tonumber(meta[10] or 0) and 0 or stalls + 1
  end
  if tonumber(meta[7] or 0) >= tonumber(ARGV[3]) then return {'exhausted', '', -1, 0} end
  if tonumber(meta[8] or 0) >= ${MAX_ISOLATED_CRASHES} then return {'crashed', '', -1, 0} end
  local lease = redis.call('HINCRBY', KEYS[1], 'epoch', 1) .. '-' .. ARGV[1]
  redis.call('HSET', KEYS[1], 'lease', lease, 'worker', ARGV[4], 'stalls', stalls, 'losses', losses,
    'leasedLast', meta[5], 'step', cjson.encode({type = 'starting', since_ms = nowMs()}))
  redis.call('HSETNX', KEYS[1], 'startedAtMs', nowMs())
  if meta[6] ~= '' then logAttemptEnd(KEYS[1], 'worker_lost', '') end
  local attempt = redis.call('HINCRBY', KEYS[1], 'attempts', 1)
  logAttemptStart(KEYS[1], attempt, ARGV[4])
  return {'held', lease, tonumber(meta[5]), attempt, unknownSince, lostWorker}
`,
);

/*
 * KEYS  meta
 * ARGV  lease, '1' for a wait or '', end of the attempt, its reason, step of the run as JSON
 * Releases the lease without ending the response. The attempt does not count; a wait does. A holder that can release it
 * has survived the run.
 */
export const releaseScript = defineScript<0 | 1>(
  "releaseLease",
  1,
  `${ATTEMPT_LOG_LUA}
  if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
  redis.call('HSET', KEYS[1], 'lease', '', 'stalls', 0, 'losses', 0, 'step', ARGV[5])
  redis.call('HINCRBY', KEYS[1], 'attempts', -1)
  if ARGV[2] ~= '' then redis.call('HINCRBY', KEYS[1], 'waits', 1) end
  logAttemptEnd(KEYS[1], ARGV[3], ARGV[4])
  return 1
`,
  { runsWhenFull: true },
);

/*
 * KEYS  meta
 * ARGV  lease, time since which no worker can run it, reason, step of the run as JSON
 * Releases the lease because this worker cannot run the response. Counts as neither attempt nor wait; records the time.
 */
export const leaveToOtherWorkersScript = defineScript<0 | 1>(
  "leaveToOtherWorkers",
  1,
  `${ATTEMPT_LOG_LUA}
  if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
  redis.call('HSET', KEYS[1], 'lease', '', 'stalls', 0, 'losses', 0, 'step', ARGV[4])
  redis.call('HINCRBY', KEYS[1], 'attempts', -1)
  logAttemptEnd(KEYS[1], 'left_to_others', ARGV[3])
  joinLeftAttempts(KEYS[1])
  redis.call('HSETNX', KEYS[1], 'unknownSinceMs', ARGV[2])
  return 1
`,
);

/*
 * KEYS  meta
 * ARGV  lease, the field that counts the attempt, end of the attempt, its reason, step of the run as JSON
 * Releases the lease after an attempt whose failure only the response explains.
 */
export const chargeScript = defineScript<0 | 1>(
  "chargeAttempt",
  1,
  `${ATTEMPT_LOG_LUA}
  if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
  redis.call('HSET', KEYS[1], 'lease', '', 'step', ARGV[5])
  logAttemptEnd(KEYS[1], ARGV[3], ARGV[4])
  redis.call('HINCRBY', KEYS[1], ARGV[2], 1)
  return 1
`,
  { runsWhenFull: true },
);

/*
 * KEYS  meta
 * ARGV  lease
 */
export const clearSuspicionScript = defineScript<0 | 1>(
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

/*
 * KEYS  meta
 * ARGV  nonce, reason, error as JSON or ''
 * The first reason wins: a process that finds an end in progress continues with the same lease, and both append the
 * same event.
 * Returns {'fenced', lease, last, reason, error} | {'over', status} | {'gone'}
 */
export const fenceScript = defineScript<
  ["fenced", string, number, EndingReason, string] | ["over", ResponseStatus] | ["gone"]
>(
  "fenceResponse",
  1,
  `${ATTEMPT_LOG_LUA}
  local meta = redis.call('HMGET', KEYS[1], 'status', 'ending', 'lease', 'last', 'endingError')
  if not meta[1] then return {'gone'} end
  if meta[1] ~= 'queued' and meta[1] ~= 'in_progress' then return {'over', meta[1]} end
  if meta[2] ~= '' then return {'fenced', meta[3], tonumber(meta[4]), meta[2], meta[5]} end
  local lease = redis.call('HINCRBY', KEYS[1], 'epoch', 1) .. '-' .. ARGV[1]
  redis.call('HSET', KEYS[1], 'lease', lease, 'ending', ARGV[2], 'endingError', ARGV[3])
  if meta[3] ~= '' then logAttemptEnd(KEYS[1], 'fenced', ARGV[2]) end
  return {'fenced', lease, tonumber(meta[4]), ARGV[2], ARGV[3]}
`,
  { runsWhenFull: true },
);
