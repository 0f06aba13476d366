/**
 * BullMQ asks for the next job again as soon as Redis has refused it, unless the connection is gone: a right that was taken
 * away, or a Redis that takes no writes, costs a core and thousands of log lines a second. So a refusal is passed on late.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { RedisQueueBackend } from "bullmq";

const ERROR_DELAY_MS = 1_000;

/** For the backend of a queue worker. */
export function delayErrors(backend: RedisQueueBackend): void {
  const moveToActive = backend.moveToActive.bind(backend);
  const waitForJob = backend.waitForJob.bind(backend);
  backend.moveToActive = async (token, name) => await delayRejection(moveToActive(token, name));
  backend.waitForJob = async (timeoutSeconds) => await delayRejection(waitForJob(timeoutSeconds));
}

async function delayRejection<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    await delay(ERROR_DELAY_MS);
    throw error;
  }
}
