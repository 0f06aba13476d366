/**
 * How long a response whose provider has no room waits in the queue. It takes no worker's slot meanwhile; it can be
 * cancelled, and its deadline ends it, as any that is queued.
 */
import { hasWindow } from "../../src/queue/queue-class.ts";
import type { ResponseRecord } from "../../src/store/response-record.ts";
import type { PostponedFinish } from "../upstreams/upstream.ts";

const FIRST_WAIT_MS = 10_000;
const MAX_WAIT_MS = 5 * 60_000;
/** Of what a provider asked for. It is believed longer than our own guess, but not for a day. */
const MAX_PROVIDER_WAIT_MS = 60 * 60_000;
/** Runs that were refused together are spread over this part of the wait. */
const JITTER = 0.25;

export interface WaitLimits {
  /** How often it has waited already. */
  waits: number;
  maxWaits: number;
  deadlineMs: number;
  /** Until then a response with a completion window waits as often as it must: it has the time, and was promised it. */
  latestStartMs: number;
}

/** Only a window is time that was promised to be waited in: the flex tier has none, though it has a latest start. */
export function readWaitLimits(record: ResponseRecord): Omit<WaitLimits, "maxWaits"> {
  return { ...record, latestStartMs: hasWindow(record) ? record.latestStartMs : 0 };
}

/** Undefined if it may not wait (again), or not for so long. */
export function computeQueueWaitMs(
  { retryAfterMs }: PostponedFinish,
  { waits, maxWaits, deadlineMs, latestStartMs }: WaitLimits,
  nowMs: number,
  random: () => number = Math.random,
): number | undefined {
  if (waits >= maxWaits && nowMs >= latestStartMs) return undefined;
  const least =
    retryAfterMs === undefined
      ? Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** waits)
      : Math.min(retryAfterMs, MAX_PROVIDER_WAIT_MS);
  const waitMs = Math.ceil(least * (1 + JITTER * random()));
  return nowMs + waitMs < deadlineMs ? waitMs : undefined;
}
