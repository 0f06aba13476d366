/**
 * Runs BullMQ on Redis's clock. BullMQ orders delayed jobs by the wall clock of the worker that delays them, and lets
 * the next worker decide by its own clock whether they are due: a slow clock delays them, a fast clock takes them
 * early. This passes Redis's time to BullMQ's scripts and converts their answers to the local time with which the
 * worker compares them.
 */
import type { RedisQueueBackend } from "bullmq";
import type { Clock } from "../redis/redis-clock.ts";

/**
 * The scripts that compare delayed jobs with the current time, with their number of keys. One more argument and the
 * time follow the keys.
 */
const KEY_COUNTS: Readonly<Record<string, number>> = {
  moveToActive: 11,
  moveToDelayed: 11,
  moveToFinished: 14,
  retryJob: 11,
};
/** Index, in their reply, of the time at which the next delayed job is due, or 0. */
const DUE_INDEX = 3;

/** Makes a queue worker's backend use `clock`. */
export function useRedisTime(backend: RedisQueueBackend, clock: Clock): void {
  const execCommand = backend.execCommand.bind(backend);
  const waitForJob = backend.waitForJob.bind(backend);
  const toOwnTime = (dueMs: number): number => (dueMs > 0 ? dueMs + Date.now() - clock.nowMs() : dueMs);

  backend.execCommand = (client, name, args: unknown[]) => {
    const keys = KEY_COUNTS[name];
    const reply: unknown = execCommand(client, name, keys === undefined ? args : args.with(keys + 1, clock.nowMs()));
    if (keys === undefined || !(reply instanceof Promise)) return reply;
    return reply.then((value: unknown) => {
      if (Array.isArray(value) && typeof value[DUE_INDEX] === "number") value[DUE_INDEX] = toOwnTime(value[DUE_INDEX]);
      return value;
    });
  };
  backend.waitForJob = async (timeoutSeconds) => {
    const marker = await waitForJob(timeoutSeconds);
    return marker && { ...marker, score: toOwnTime(marker.score) };
  };
}
