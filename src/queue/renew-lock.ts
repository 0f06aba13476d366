/** Renews the lock of a running job, even in a Redis that is full. */
import { defineScript } from "../redis/script.ts";

/*
 * KEYS  the job's lock, stalled (set), both of BullMQ
 * ARGV  token, milliseconds, job id
 * BullMQ's own renewal writes the lock again, which a full Redis rejects: every run would appear lost.
 * Returns 0 if another worker holds the lock.
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
