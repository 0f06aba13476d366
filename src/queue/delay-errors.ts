/**
 * BullMQ requests the next job immediately after Redis rejects a request, unless the connection is lost. A revoked
 * permission or a read-only Redis would cost a CPU core and thousands of log lines per second, so this delays each
 * error.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { RedisQueueBackend } from "bullmq";

const ERROR_DELAY_MS = 1_000;

/** Wraps the backend of a queue worker. */
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
