/** How a worker keeps the job that it runs, in a Redis that is full as well. */
import { defineScript } from "../redis/script.ts";

/*
 * KEYS  the job's lock, stalled (set), both of BullMQ
 * ARGV  token, milliseconds, job id
 * BullMQ's own renewal sets the lock once more, which a full Redis refuses: every run would be taken for lost. Returns 0 if
 * the lock is somebody else's.
 */
export const renewLockScript = defineScript<0 | 1>(
  "renewJobLock",
  2,
  `
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  redis.call('SREM', KEYS[2], ARGV[3])
  return 1
`,
);
