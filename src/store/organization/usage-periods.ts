/** The periods by which usage and spend are counted, all in UTC. */

export const HOUR_MS = 60 * 60 * 1000;
export const DAY_MS = 24 * HOUR_MS;

/** The day of the last call, and its month: formatting a date takes longer than the rest of an acceptance's arguments. */
let latest = { day: Number.NaN, month: "" };

/** `YYYY-MM`. */
export function monthOf(unixMs: number): string {
  const day = dayOf(unixMs);
  if (day !== latest.day) latest = { day, month: new Date(unixMs).toISOString().slice(0, 7) };
  return latest.month;
}

/** Days since the Unix epoch. */
export function dayOf(unixMs: number): number {
  return Math.floor(unixMs / DAY_MS);
}

/** 0 to 23. */
export function hourOf(unixMs: number): number {
  return Math.floor((unixMs % DAY_MS) / HOUR_MS);
}
