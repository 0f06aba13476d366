/**
 * Retries, timeouts and redaction for every provider behind HTTP.
 *
 * A try that fails before its first item event is retried. Later it is not, because yielded events are in the log; only
 * a remote run can resume where its stream broke. Each wait for the provider has a timeout, and each try closes its
 * connection when it ends.
 */
import type { Config } from "../../../src/config/config.ts";
import type { ResponseError } from "../../../src/protocol/response.ts";
import { type Redact, createRedactor } from "../../../src/logging/redaction.ts";
import { listHeaderSecrets } from "../../../src/logging/redaction/list-secrets.ts";
import { abortableDelay } from "../abortable-delay.ts";
import { type CallObserver, isUnserved, type UpstreamEvent, type UpstreamFinish } from "../upstream.ts";
import { type ProviderCredentials, readApiKey } from "../../../src/providers/credentials.ts";
import { type ClassifyError, Connection, type ProviderTimeout } from "./connection.ts";
import { createBrokenStreamError, classifyReportedError, isProviderFailure, ProviderError } from "./provider-error.ts";

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** A longer requested wait is spent in the queue instead of in the worker's slot. */
const MAX_SLOT_WAIT_MS = 5_000;

export interface RetryOptions {
  /** Maximum wait before the first retry. It doubles with each retry. */
  firstBackoffMs?: number;
}

/** A call that the provider keeps running without a connection, so that another try can resume its stream. */
export interface ResumableCall {
  readonly hasRemoteRun: boolean;
  /** Whether any event has arrived since the last call of this method. */
  takeProgress(): boolean;
}

interface CallOptions {
  resumable?: ResumableCall | undefined;
  observer?: CallObserver | undefined;
}

/** Makes one HTTP request and yields events up to its finish. Throws a ProviderError on failure. */
export type StreamOnce = (connection: Connection) => AsyncIterable<UpstreamEvent>;

export class RetryPolicy {
  /** Timeout until the provider starts answering. */
  readonly headersTimeout: ProviderTimeout;
  /** Timeout between two events. */
  readonly idleTimeout: ProviderTimeout;
  readonly #maxRetries: number;
  readonly #firstBackoffMs: number;
  readonly #redact: Redact;
  readonly #classify: ClassifyError;

  constructor(config: Config, access: ProviderCredentials, classify: ClassifyError, options: RetryOptions) {
    this.headersTimeout = { setting: "UPSTREAM_TIMEOUT_MS", ms: config.UPSTREAM_TIMEOUT_MS };
    this.idleTimeout = { setting: "UPSTREAM_IDLE_TIMEOUT_MS", ms: config.UPSTREAM_IDLE_TIMEOUT_MS };
    this.#maxRetries = config.UPSTREAM_MAX_RETRIES;
    this.#firstBackoffMs = options.firstBackoffMs ?? FIRST_BACKOFF_MS;
    this.#classify = classify;
    const key = readApiKey(access, config.environment);
    const secrets = [...(key === undefined ? [] : [key]), ...listHeaderSecrets(access.headers)];
    // createRedactor ignores shorter header values: they are settings, and would redact ordinary words.
    this.#redact = createRedactor(secrets, { mark: "[redacted]" });
  }

  async *run(
    streamOnce: StreamOnce,
    signal: AbortSignal,
    { resumable, observer }: CallOptions = {},
  ): AsyncGenerator<UpstreamEvent, void, undefined> {
    for (let retries = 0; ; retries++) {
      signal.throwIfAborted();
      const error = yield* this.#tryOnce(streamOnce, signal, resumable);
      if (error === undefined) return;
      const isRemote = resumable?.hasRemoteRun === true;
      if (resumable?.takeProgress() === true) retries = 0;
      // A remote run continues at the provider, and clients may have read parts of it: it cannot be postponed.
      const isLongWait = !isRemote && error.retryAfterMs !== undefined && error.retryAfterMs > MAX_SLOT_WAIT_MS;
      if (!error.retryable || retries >= this.#maxRetries || isLongWait) {
        yield isRemote ? this.#toFailedFinish(error) : this.#toFinish(error, isLongWait);
        return;
      }
      const delayMs = Math.min(MAX_BACKOFF_MS, computeRetryDelayMs(error, retries, this.#firstBackoffMs));
      const described = { error: this.#redactError(error.error), cause: this.#redactCause(error) };
      observer?.onRetry({ ...described, retries: retries + 1, delayMs });
      await abortableDelay(delayMs, signal);
    }
  }

  #toFailedFinish(error: ProviderError): UpstreamFinish {
    return {
      type: "finish",
      status: "failed",
      error: this.#redactError(error.error),
      cause: this.#redactCause(error),
      isUnavailable: error.isUnavailable,
      ...(!error.retryable && error.isUnreadableOutput && { isUnreadableOutput: true }),
    };
  }

  /** A retry may help, but only after a long wait: the run waits in the queue, where it holds no slot. */
  #toFinish(error: ProviderError, isLongWait: boolean): UpstreamFinish {
    if (error.retryable && (error.isRateLimit || isLongWait)) {
      const { retryAfterMs } = error;
      const described = { error: this.#redactError(error.error), cause: this.#redactCause(error) };
      return { type: "finish", status: "postponed", ...described, retryAfterMs };
    }
    return this.#toFailedFinish(error);
  }

  /** Returns the error, unless it yielded a finish. */
  async *#tryOnce(
    streamOnce: StreamOnce,
    signal: AbortSignal,
    resumable: ResumableCall | undefined,
  ): AsyncGenerator<UpstreamEvent, ProviderError | undefined> {
    const connection = new Connection(signal, this.#classify);
    let hasOutput = false;
    try {
      for await (const event of streamOnce(connection)) {
        if (event.type === "finish") {
          const isFirst = !hasOutput && resumable?.hasRemoteRun !== true;
          const error = isFirst && isUnserved(event) ? classifyReportedError(event.error) : undefined;
          if (error?.retryable === true) return error;
          yield isUnserved(event) ? this.#toReportedFinish(event, hasOutput) : event;
          return undefined;
        }
        hasOutput = true;
        yield event;
      }
      throw createBrokenStreamError();
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return hasOutput && resumable?.hasRemoteRun !== true ? error.asFinal() : error;
    } finally {
      connection.close();
    }
  }

  /** An error that the provider sent in its stream and that a retry would not help. */
  #toReportedFinish<T extends { error: ResponseError }>(finish: T, hasOutput: boolean): T & { isUnavailable: boolean } {
    const isUnavailable = !hasOutput && isProviderFailure(finish.error);
    return { ...finish, error: this.#redactError(finish.error), isUnavailable };
  }

  #redactCause({ detail }: ProviderError): string | undefined {
    return detail === undefined ? undefined : this.#redact(detail);
  }

  /** Providers quote what they reject, which may include this server's secrets. */
  #redactError({ code, message, type, param }: ResponseError): ResponseError {
    const redact = this.#redact;
    return { code, message: redact(message), type: redact(type), param: param === null ? null : redact(param) };
  }
}

/** Removes a request's secrets from errors, in which providers quote them. */
export async function* redactErrors(
  events: AsyncIterable<UpstreamEvent>,
  redact: Redact,
): AsyncGenerator<UpstreamEvent, void, undefined> {
  for await (const event of events) {
    if (event.type !== "finish" || !isUnserved(event)) yield event;
    else yield { ...event, error: { ...event.error, message: redact(event.error.message) } };
  }
}

/** `retries` counts the retries before this one. Full jitter spreads runs that failed together. */
export function computeRetryDelayMs(
  error: ProviderError,
  retries: number,
  firstBackoffMs: number,
  random: () => number = Math.random,
): number {
  if (error.retryAfterMs !== undefined) return error.retryAfterMs;
  return random() * Math.min(MAX_BACKOFF_MS, firstBackoffMs * 2 ** retries);
}
