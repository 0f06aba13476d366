/**
 * BullMQ in Redis's time. It orders delayed jobs by the wall clock of whichever worker delays them, and lets the worker
 * that looks next decide by its own whether they are due: a worker whose clock is behind would hold them up, one that is
 * ahead would take them too early. Its scripts are given Redis's time here instead, and what they answer is turned into
 * this process's own time, with which the worker compares it.
 */
import type { RedisQueueBackend } from "bullmq";
import type { Clock } from "../redis/redis-clock.ts";

/** The scripts that compare delayed jobs with now: how many keys each takes. Behind them come one argument and now. */
const KEY_COUNTS: Readonly<Record<string, number>> = {
  moveToActive: 11,
  moveToDelayed: 11,
  moveToFinished: 14,
  retryJob: 11,
};
/** In what they answer: when the next delayed job is due, or 0. */
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
