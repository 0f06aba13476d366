/**
 * A response whose provider has no capacity waits in the queue. Meanwhile it takes no worker's slot, can be cancelled, and
 * ends at its deadline like any queued response.
 */
import { hasWindow } from "../../src/queue/queue-class.ts";
import type { ResponseContext } from "../../src/responses/storage.ts";
import { LeaseLostError } from "../../src/stream/log/event-writer.ts";
import { channels } from "../../src/telemetry/channels.ts";
import type { Attempt, AttemptRecord } from "../attempt/attempt.ts";
import type { PostponedFinish } from "../upstreams/upstream.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";

const FIRST_WAIT_MS = 10_000;
const MAX_WAIT_MS = 5 * 60_000;
/** Maximum wait that a provider may ask for. */
const MAX_PROVIDER_WAIT_MS = 60 * 60_000;
/** Spreads responses that were rejected together over this fraction of the wait. */
const JITTER = 0.25;

export interface WaitLimits {
  /** Waits so far. */
  waits: number;
  maxWaits: number;
  deadlineMs: number;
  /** The number of waits is unlimited until then: a completion window promises time, not speed. */
  latestStartMs: number;
}

export interface PostponeContext extends Pick<ResponseContext, "storage"> {
  maxWaits: number;
}

/** Releases the lease to wait in the queue. Undefined if the response may wait no more. */
export async function postpone(
  { storage, maxWaits }: PostponeContext,
  { id, lease, record, writer, progress }: Attempt,
  finish: PostponedFinish,
): Promise<AttemptOutcome | undefined> {
  const nowMs = storage.clock.nowMs();
  const waitMs = computeQueueWaitMs(finish, { ...readWaitLimits(record), maxWaits }, nowMs);
  if (waitMs === undefined) return undefined;
  await writer.flush();
  const { provider } = progress;
  const reason = finish.error.message;
  const step = { type: "waiting_for_provider", since_ms: nowMs, until_ms: nowMs + waitMs, provider, reason } as const;
  const left = { end: "waited", reason: `${provider}: ${reason}`, step } as const;
  if (!(await storage.leases.postpone(id, lease, left))) throw new LeaseLostError();
  channels.wait.publish({ ...progress.reported, provider, reason, waitMs });
  return { kind: "requeued", waitMs, end: "waited" };
}

/** Only a completion window lifts the limit. The flex tier has a latest start, but no window. */
function readWaitLimits(record: AttemptRecord): Omit<WaitLimits, "maxWaits"> {
  return { ...record, latestStartMs: hasWindow(record) ? record.latestStartMs : 0 };
}

/** Undefined if the response may not wait again, or not that long. */
export function computeQueueWaitMs(
  { retryAfterMs }: PostponedFinish,
  { waits, maxWaits, deadlineMs, latestStartMs }: WaitLimits,
  nowMs: number,
  random: () => number = Math.random,
): number | undefined {
  if (waits >= maxWaits && nowMs >= latestStartMs) return undefined;
  const minimumMs =
    retryAfterMs === undefined
      ? Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** waits)
      : Math.min(retryAfterMs, MAX_PROVIDER_WAIT_MS);
  const waitMs = Math.ceil(minimumMs * (1 + JITTER * random()));
  return nowMs + waitMs < deadlineMs ? waitMs : undefined;
}
