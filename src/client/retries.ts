/** When a failed request is repeated: which failures, after how long, and for how long. */
import { ConnectionLostError, FollowError } from "./errors.ts";
import { isRecord } from "./json.ts";

export interface RetryNotice {
  /** The failure: an error of the `openai` package, or of the connection. */
  error: unknown;
  /** Failures in a row, this one included. */
  failures: number;
  /** Delay until the next try. */
  delayMs: number;
}

export interface RetryOptions {
  /** Time without any progress after which an unreachable server is an error. One hour by default. */
  giveUpAfterMs?: number;
  /** Delay before the first retry. It doubles with each failure in a row, and a random part of it is left out. */
  minDelayMs?: number;
  /** Longest delay between two tries, unless the server asks for more. */
  maxDelayMs?: number;
  /** Called before each wait for another try. */
  onRetry?: (notice: RetryNotice) => void;
}

const GIVE_UP_AFTER_MS = 60 * 60_000;
const MIN_DELAY_MS = 250;
const MAX_DELAY_MS = 30_000;
/** A longer `Retry-After` is not believed. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 409, 429]);

export class Retries {
  readonly #options: RetryOptions;
  #failures = 0;
  #failingSinceMs: number | undefined;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /** The server made progress: the next failure is the first one. */
  succeed(): void {
    this.#failures = 0;
    this.#failingSinceMs = undefined;
  }

  /**
   * Resolves when the next try is due. Throws `error` if a retry cannot help, a `FollowError` if the server has been
   * unreachable for too long, and the signal's reason if it aborts.
   */
  async waitAfter(error: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!isTransient(error)) throw error;
    const { giveUpAfterMs = GIVE_UP_AFTER_MS, onRetry } = this.#options;
    const now = performance.now();
    this.#failingSinceMs ??= now;
    const delayMs = Math.max(this.#backOff(), readRetryAfter(error));
    const failingForMs = now - this.#failingSinceMs;
    if (failingForMs + delayMs > giveUpAfterMs) throw unreachable(error, failingForMs);
    this.#failures += 1;
    onRetry?.({ error, failures: this.#failures, delayMs });
    await delay(delayMs, signal);
  }

  /** Clients that lost one server at one time must not return at one time. */
  #backOff(): number {
    const { minDelayMs = MIN_DELAY_MS, maxDelayMs = MAX_DELAY_MS } = this.#options;
    return Math.min(maxDelayMs, minDelayMs * 2 ** this.#failures) * (0.5 + Math.random() / 2);
  }
}

function unreachable(error: unknown, failingForMs: number): FollowError {
  const last = error instanceof Error ? error.message : String(error);
  const seconds = Math.round(failingForMs / 1000);
  return new FollowError("unreachable", `The server gave no usable answer for ${seconds} s. Last error: ${last}`, {
    cause: error,
  });
}

/** The rules of the official client, which this one replaces (openai-node 7.59.0, `client.js`, `shouldRetry`). */
function isTransient(error: unknown): boolean {
  if (error instanceof ConnectionLostError) return true;
  // Errors of the `openai` package have a status; those without an answer have `undefined`. Two versions of the package
  // may be loaded, so no class is compared.
  if (!(error instanceof Error) || !("status" in error) || !("headers" in error)) return false;
  const order = headerOf(error, "x-should-retry");
  if (order === "true" || order === "false") return order === "true";
  const { status } = error;
  if (status === undefined) return true;
  return typeof status === "number" && (TRANSIENT_STATUSES.has(status) || status >= 500);
}

function headerOf(error: unknown, name: string): string | null {
  if (!isRecord(error)) return null;
  const { headers } = error;
  return headers instanceof Headers ? headers.get(name) : null;
}

/** Seconds or a date (RFC 9110, section 10.2.3), in milliseconds; 0 if there is none. */
function readRetryAfter(error: unknown): number {
  const value = headerOf(error, "retry-after");
  if (value === null) return 0;
  const seconds = Number(value);
  const delayMs = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1000;
  return Number.isNaN(delayMs) ? 0 : Math.min(Math.max(delayMs, 0), MAX_RETRY_AFTER_MS);
}

/** Rejects with the signal's reason. */
export async function delay(delayMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, delayMs);
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
