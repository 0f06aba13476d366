/** When a webhook is tried again: exponential backoff with jitter, until a time after which it is given up. */

const FACTOR = 3;
const MAX_DELAY_MS = 6 * 60 * 60 * 1000;
/** Events that failed together are not retried together. */
const JITTER = 0.2;
const MAX_EXPONENT = 30;

export interface FailedTry {
  /** Counts from 1. */
  attempt: number;
  nowMs: number;
  giveUpAtMs: number;
  /** The receiver's `Retry-After`: seconds or an HTTP date. */
  retryAfter?: string | null;
}

/** The delay in milliseconds, or undefined if no further try follows. The last try is at `giveUpAtMs`. */
export function computeRetryDelay(
  { attempt, nowMs, giveUpAtMs, retryAfter = null }: FailedTry,
  firstDelayMs: number,
  random: () => number = Math.random,
): number | undefined {
  if (nowMs >= giveUpAtMs) return undefined;
  const backoffMs = firstDelayMs * FACTOR ** Math.min(attempt - 1, MAX_EXPONENT);
  const jittered = Math.min(backoffMs, MAX_DELAY_MS) * (1 - JITTER + 2 * JITTER * random());
  const wantedMs = Math.max(jittered, Math.min(parseRetryAfter(retryAfter, nowMs), MAX_DELAY_MS));
  return Math.max(1, Math.round(Math.min(wantedMs, giveUpAtMs - nowMs)));
}

/** 0 if it is absent or malformed. */
function parseRetryAfter(value: string | null, nowMs: number): number {
  if (value === null) return 0;
  if (/^\d{1,10}$/.test(value.trim())) return Number(value) * 1_000;
  const dateMs = Date.parse(value);
  return Number.isFinite(dateMs) ? Math.max(0, dateMs - nowMs) : 0;
}
