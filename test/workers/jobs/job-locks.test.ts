/** The lock in Redis of a job that was taken, whether or not its run has begun. */
import { type Job, Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { renewLockScript } from "../../../src/queue/renew-lock.ts";
import { JobLocks, type RenewLock } from "../../../workers/jobs/job-locks.ts";
import { testRedisUrl, uniquePrefix } from "../../support/redis.ts";

const LOCK_MS = 4_000;
/** The longest pause between renewals: three quarters of a lock, less the delay of a busy machine. */
const LEAST_LEFT_MS = 2_600;

let redis: Redis;
let queue: Queue;
let worker: Worker;
let prefix: string;
beforeEach(() => {
  redis = new Redis(testRedisUrl(), { maxRetriesPerRequest: null });
  prefix = uniquePrefix();
  queue = new Queue("jobs", { connection: redis, prefix });
  worker = new Worker("jobs", null, { connection: redis, prefix, autorun: false, lockDuration: LOCK_MS });
});
afterEach(async () => {
  await worker.close();
  await queue.close();
  redis.disconnect();
});

async function takeJob(): Promise<Job> {
  await queue.add("job", {}, { jobId: "job-1" });
  const job = await worker.getNextJob("token", { block: false });
  return job;
}
const renew: RenewLock = async ({ id }, token, durationMs) =>
  (await renewLockScript(redis, lockKey(), `${prefix}:jobs:stalled`, token, durationMs, id!)) === 1;
const lockKey = () => `${prefix}:jobs:job-1:lock`;

test("a held lock is renewed before its run begins", async () => {
  const locks = new JobLocks(LOCK_MS, renew);
  const job = await takeJob();
  locks.startRenewal(job);
  const endMs = performance.now() + 1.5 * LOCK_MS;
  let leastMs = LOCK_MS;
  while (performance.now() < endMs) leastMs = Math.min(leastMs, await redis.pttl(lockKey()));
  expect(leastMs).toBeGreaterThan(LEAST_LEFT_MS);
  locks.release(job);
});

test("a lock lost before the run begins is reported to the run", async () => {
  const locks = new JobLocks(LOCK_MS, renew);
  const job = await takeJob();
  locks.startRenewal(job);
  const lost = Promise.withResolvers<void>();
  await redis.set(lockKey(), "another token");
  const early = new Promise<void>((resolve) => locks.watch(job, resolve));
  await early;
  locks.watch(job, lost.resolve);
  await lost.promise;
  expect(await redis.get(lockKey())).toBe("another token");
});

test("a released lock expires", async () => {
  const locks = new JobLocks(LOCK_MS, renew);
  const job = await takeJob();
  locks.startRenewal(job);
  locks.release(job);
  await expect.poll(() => redis.exists(lockKey()), { timeout: 3 * LOCK_MS }).toBe(0);
});
