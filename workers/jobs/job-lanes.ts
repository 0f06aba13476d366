/**
 * Divides the slots of a worker into lanes, so that they fill fast from a distant Redis. A BullMQ worker takes its jobs one
 * after another, one round trip each, and starts none before its slots are full or the queue is empty. Several BullMQ
 * workers (lanes) with part of the slots each take jobs in parallel. Each lane costs a blocking connection, so a near Redis
 * gets one lane.
 */

/** Target time to fill all slots. `MAX_LANES` may make it longer. */
const FILL_MS = 500;
const MAX_LANES = 10;
/** Maximum share of a lock's duration for one round trip: renewals and the start of an attempt take several. */
const MAX_LOCK_FRACTION = 1 / 20;

/** The slots of each lane. */
export function computeLaneSizes(slots: number, roundTripMs: number): number[] {
  const neededLanes = Math.ceil((slots * roundTripMs) / FILL_MS);
  const lanes = Math.max(1, Math.min(neededLanes, MAX_LANES, slots));
  return Array.from({ length: lanes }, (_, i) => Math.floor((slots + i) / lanes));
}

/** The minimum LOCK_DURATION_MS for this round trip. Undefined if the setting is long enough. */
export function requiredLockDurationMs(roundTripMs: number, lockDurationMs: number): number | undefined {
  return roundTripMs > lockDurationMs * MAX_LOCK_FRACTION ? Math.ceil(roundTripMs / MAX_LOCK_FRACTION) : undefined;
}
