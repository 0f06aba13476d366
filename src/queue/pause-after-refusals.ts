/**
 * BullMQ asks for the next job again as soon as Redis has refused it, unless the connection is gone: a right that was taken
 * away, or a Redis that takes no writes, costs a core and thousands of log lines a second. So a refusal is passed on late.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { RedisQueueBackend } from "bullmq";

const PAUSE_MS = 1_000;

/** For the backend of a queue worker. */
export function pauseAfterRefusals(backend: RedisQueueBackend): void {
  const moveToActive = backend.moveToActive.bind(backend);
  const waitForJob = backend.waitForJob.bind(backend);
  backend.moveToActive = async (token, name) => await late(moveToActive(token, name));
  backend.waitForJob = async (timeoutSeconds) => await late(waitForJob(timeoutSeconds));
}

async function late<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    await delay(PAUSE_MS);
    throw error;
  }
}
