/**
 * How the slots of a worker are filled from a distant Redis. BullMQ's worker takes its jobs one after another, a round trip
 * each, and begins none before its slots are full or the queue is empty. Several workers with a part of the slots each
 * (lanes) take them side by side. Each costs a blocking connection, so a near Redis gets one.
 */

/** By then all slots are to be full, as far as the bound of lanes allows. */
const FILL_MS = 500;
const MAX_LANES = 10;
/** Of a lock's time, one round trip: renewals, and what a run does before its first event, have to fit several times. */
const MAX_LOCK_FRACTION = 1 / 20;

/** The slots of each lane. */
export function computeLaneSizes(slots: number, roundTripMs: number): number[] {
  const wanted = Math.ceil((slots * roundTripMs) / FILL_MS);
  const lanes = Math.max(1, Math.min(wanted, MAX_LANES, slots));
  return Array.from({ length: lanes }, (_, i) => Math.floor((slots + i) / lanes));
}

/** What to set LOCK_DURATION_MS to, if a Redis so far away does not fit it. */
export function requiredLockDurationMs(roundTripMs: number, lockDurationMs: number): number | undefined {
  return roundTripMs > lockDurationMs * MAX_LOCK_FRACTION ? Math.ceil(roundTripMs / MAX_LOCK_FRACTION) : undefined;
}
