/**
 * What every provider behind HTTP has in common: the limits of its waits, how often a call is tried, what is concealed.
 *
 * A try that fails before its first item event is repeated; after that nothing is, because what was yielded stands in a
 * log already, unless the try can go on exactly there. Every wait on the provider has a limit, and every way out of a try closes its connection.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Agent, fetch as undiciFetch } from "undici";
import type { Config } from "../../../src/config/config.ts";
import type { ResponseError } from "../../../src/protocol/response.ts";
import { type Redact, createRedactor } from "../../../src/logging/redaction.ts";
import { listHeaderSecrets } from "../../../src/logging/redaction/list-secrets.ts";
import type { UpstreamEvent, UpstreamFinish } from "../upstream.ts";
import { type ClassifyError, Connection, type ProviderTimeout } from "./connection.ts";
import { createBrokenStreamError, classifyReportedError, isProviderFailure, ProviderError } from "./provider-error.ts";

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** A provider that asks for more than this is asked again after a wait in the queue. */
const MAX_SLOT_WAIT_MS = 5_000;

const AGENT_WITHOUT_TIMEOUTS = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

/** The runtime's own fetch gives up after 300 s without a byte; a model may think for longer. The limits are ours. */
export const fetchWithoutTimeouts = ((url: string, init: object) =>
  undiciFetch(url, { ...init, dispatcher: AGENT_WITHOUT_TIMEOUTS })) as unknown as typeof globalThis.fetch;

/** A provider's entry, as far as its connection goes. */
export interface ProviderCredentials {
  api_key_env?: string | undefined;
  headers: Readonly<Record<string, string>>;
}

/** The provider's key, under the name that its entry gives. */
export function readApiKey(access: ProviderCredentials, environment: NodeJS.ProcessEnv): string | undefined {
  return (access.api_key_env === undefined ? undefined : environment[access.api_key_env]) || undefined;
}

export interface RetryOptions {
  /** Upper bound of the wait before the first repeated try. It doubles with each. */
  firstBackoffMs?: number;
}

/** A call that the provider goes on with while there is no connection: another try goes on where the last one broke off. */
export interface ResumableCall {
  readonly hasRemoteRun: boolean;
  /** Whether anything has come since this was last asked. */
  takeProgress(): boolean;
}

/** One HTTP request, as events up to its finish. What goes wrong is thrown as a ProviderFault. */
export type StreamOnce = (connection: Connection) => AsyncIterable<UpstreamEvent>;

export class RetryPolicy {
  /** For the provider's answer to begin. */
  readonly headersTimeout: ProviderTimeout;
  /** Between two events of it. */
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
    // A shorter header value is a setting, not a secret, and would blank out ordinary words.
    this.#redact = createRedactor(secrets, { mark: "[redacted]" });
  }

  async *run(
    attempt: StreamOnce,
    signal: AbortSignal,
    resumable?: ResumableCall,
  ): AsyncGenerator<UpstreamEvent, void, undefined> {
    for (let retries = 0; ; retries++) {
      signal.throwIfAborted();
      const fault = yield* this.#tryOnce(attempt, signal, resumable);
      if (fault === undefined) return;
      const isAttached = resumable?.hasRemoteRun === true;
      if (resumable?.takeProgress() === true) retries = 0;
      // What is attached goes on at the provider, and so does its run: it may have been told to clients in part.
      const isLongWait = !isAttached && fault.retryAfterMs !== undefined && fault.retryAfterMs > MAX_SLOT_WAIT_MS;
      if (!fault.retryable || retries >= this.#maxRetries || isLongWait) {
        yield isAttached ? this.#toFailedFinish(fault) : this.#toFinish(fault, isLongWait);
        return;
      }
      await pause(Math.min(MAX_BACKOFF_MS, computeRetryDelayMs(fault, retries, this.#firstBackoffMs)), signal);
    }
  }

  #toFailedFinish(fault: ProviderError): UpstreamFinish {
    return {
      type: "finish",
      status: "failed",
      error: this.#redactError(fault.error),
      isUnavailable: fault.isUnavailable,
      ...(!fault.retryable && fault.isUnreadableOutput && { isUnreadableOutput: true }),
    };
  }

  /** Another try may help, but not soon: the wait is the queue's, where it takes nobody's slot. */
  #toFinish(fault: ProviderError, isLongWait: boolean): UpstreamFinish {
    if (fault.retryable && (fault.isRateLimit || isLongWait)) {
      const error = this.#redactError(fault.error);
      return { type: "finish", status: "postponed", error, retryAfterMs: fault.retryAfterMs };
    }
    return this.#toFailedFinish(fault);
  }

  /** Answers what went wrong, unless it yielded a finish. */
  async *#tryOnce(
    attempt: StreamOnce,
    signal: AbortSignal,
    resumable: ResumableCall | undefined,
  ): AsyncGenerator<UpstreamEvent, ProviderError | undefined> {
    const connection = new Connection(signal, this.#classify);
    let hasOutput = false;
    try {
      for await (const event of attempt(connection)) {
        if (event.type === "finish") {
          const isFirst = !hasOutput && resumable?.hasRemoteRun !== true;
          const fault = isFirst && "error" in event ? classifyReportedError(event.error) : undefined;
          if (fault?.retryable === true) return fault;
          yield "error" in event ? this.#toReportedFinish(event, hasOutput) : event;
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

  /** A failure that the provider told in its stream, and that another try would not help. */
  #toReportedFinish<T extends { error: ResponseError }>(finish: T, hasOutput: boolean): T & { isUnavailable: boolean } {
    const isUnavailable = !hasOutput && isProviderFailure(finish.error);
    return { ...finish, error: this.#redactError(finish.error), isUnavailable };
  }

  /** Providers quote what they refuse. What they quote of ours is not for the client. */
  #redactError({ code, message, type, param }: ResponseError): ResponseError {
    const conceal = this.#redact;
    return { code, message: conceal(message), type: conceal(type), param: param === null ? null : conceal(param) };
  }
}

/** What a provider was given of a request's secrets, and quotes in what it refuses, is not for whoever reads the response. */
export async function* redactErrors(
  events: AsyncIterable<UpstreamEvent>,
  redact: Redact,
): AsyncGenerator<UpstreamEvent, void, undefined> {
  for await (const event of events) {
    if (event.type !== "finish" || !("error" in event)) yield event;
    else yield { ...event, error: { ...event.error, message: redact(event.error.message) } };
  }
}

/** `retries` is how many tries were repeated before. Full jitter, so that runs which failed together do not return together. */
export function computeRetryDelayMs(
  fault: ProviderError,
  retries: number,
  firstBackoffMs: number,
  random: () => number = Math.random,
): number {
  if (fault.retryAfterMs !== undefined) return fault.retryAfterMs;
  return random() * Math.min(MAX_BACKOFF_MS, firstBackoffMs * 2 ** retries);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch {
    // It rejects for no other reason, and with an error of its own in the place of the signal's.
    signal.throwIfAborted();
  }
}
