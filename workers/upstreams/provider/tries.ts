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
import { type Redact, redactor } from "../../../src/logging/redaction.ts";
import { headerSecrets } from "../../../src/logging/redaction/secrets-of.ts";
import type { UpstreamEvent, UpstreamFinish } from "../upstream.ts";
import { type ClassifyFault, Connection, type TimeLimit } from "./connection.ts";
import { brokenStreamFault, faultOfTold, isOfProvider, ProviderFault } from "./faults.ts";

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;
/** A provider that asks for more than this is asked again after a wait in the queue. */
const LONGEST_SLOT_WAIT_MS = 5_000;

const UNLIMITED = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

/** The runtime's own fetch gives up after 300 s without a byte; a model may think for longer. The limits are ours. */
export const unlimitedFetch = ((url: string, init: object) =>
  undiciFetch(url, { ...init, dispatcher: UNLIMITED })) as unknown as typeof globalThis.fetch;

/** A provider's entry, as far as its connection goes. */
export interface ProviderAccess {
  api_key_env?: string | undefined;
  headers: Readonly<Record<string, string>>;
}

/** The provider's key, under the name that its entry gives. */
export function keyOf(access: ProviderAccess, environment: NodeJS.ProcessEnv): string | undefined {
  return (access.api_key_env === undefined ? undefined : environment[access.api_key_env]) || undefined;
}

export interface TryOptions {
  /** Upper bound of the wait before the first repeated try. It doubles with each. */
  firstBackoffMs?: number;
}

/** A call that the provider goes on with while there is no connection: another try goes on where the last one broke off. */
export interface Resumable {
  readonly isAttached: boolean;
  /** Whether anything has come since this was last asked. */
  takeProgress(): boolean;
}

/** One HTTP request, as events up to its finish. What goes wrong is thrown as a ProviderFault. */
export type Attempt = (connection: Connection) => AsyncIterable<UpstreamEvent>;

export class Tries {
  /** For the provider's answer to begin. */
  readonly headersLimit: TimeLimit;
  /** Between two events of it. */
  readonly idleLimit: TimeLimit;
  readonly #maxRetries: number;
  readonly #firstBackoffMs: number;
  readonly #conceal: Redact;
  readonly #classify: ClassifyFault;

  constructor(config: Config, access: ProviderAccess, classify: ClassifyFault, options: TryOptions) {
    this.headersLimit = { setting: "UPSTREAM_TIMEOUT_MS", ms: config.UPSTREAM_TIMEOUT_MS };
    this.idleLimit = { setting: "UPSTREAM_IDLE_TIMEOUT_MS", ms: config.UPSTREAM_IDLE_TIMEOUT_MS };
    this.#maxRetries = config.UPSTREAM_MAX_RETRIES;
    this.#firstBackoffMs = options.firstBackoffMs ?? FIRST_BACKOFF_MS;
    this.#classify = classify;
    const key = keyOf(access, config.environment);
    const secrets = [...(key === undefined ? [] : [key]), ...headerSecrets(access.headers)];
    // A shorter header value is a setting, not a secret, and would blank out ordinary words.
    this.#conceal = redactor(secrets, { mark: "[redacted]" });
  }

  async *run(
    attempt: Attempt,
    signal: AbortSignal,
    resumable?: Resumable,
  ): AsyncGenerator<UpstreamEvent, void, undefined> {
    for (let retries = 0; ; retries++) {
      signal.throwIfAborted();
      const fault = yield* this.#try(attempt, signal, resumable);
      if (fault === undefined) return;
      const isAttached = resumable?.isAttached === true;
      if (resumable?.takeProgress() === true) retries = 0;
      // What is attached goes on at the provider, and so does its run: it may have been told to clients in part.
      const isLongWait = !isAttached && fault.retryAfterMs !== undefined && fault.retryAfterMs > LONGEST_SLOT_WAIT_MS;
      if (!fault.retryable || retries >= this.#maxRetries || isLongWait) {
        yield isAttached ? this.#failureOf(fault) : this.#finishOf(fault, isLongWait);
        return;
      }
      await pause(Math.min(LONGEST_BACKOFF_MS, retryDelayMs(fault, retries, this.#firstBackoffMs)), signal);
    }
  }

  #failureOf(fault: ProviderFault): UpstreamFinish {
    return {
      type: "finish",
      status: "failed",
      error: this.#concealed(fault.error),
      isUnavailable: fault.isUnavailable,
      ...(!fault.retryable && fault.isFailedSample && { isFailedSample: true }),
    };
  }

  /** Another try may help, but not soon: the wait is the queue's, where it takes nobody's slot. */
  #finishOf(fault: ProviderFault, isLongWait: boolean): UpstreamFinish {
    if (fault.retryable && (fault.isRateLimit || isLongWait)) {
      const error = this.#concealed(fault.error);
      return { type: "finish", status: "postponed", error, afterMs: fault.retryAfterMs };
    }
    return this.#failureOf(fault);
  }

  /** Answers what went wrong, unless it yielded a finish. */
  async *#try(
    attempt: Attempt,
    signal: AbortSignal,
    resumable: Resumable | undefined,
  ): AsyncGenerator<UpstreamEvent, ProviderFault | undefined> {
    const connection = new Connection(signal, this.#classify);
    let hasOutput = false;
    try {
      for await (const event of attempt(connection)) {
        if (event.type === "finish") {
          const isFirst = !hasOutput && resumable?.isAttached !== true;
          const fault = isFirst && "error" in event ? faultOfTold(event.error) : undefined;
          if (fault?.retryable === true) return fault;
          yield "error" in event ? this.#finishTold(event, hasOutput) : event;
          return undefined;
        }
        hasOutput = true;
        yield event;
      }
      throw brokenStreamFault();
    } catch (error) {
      if (!(error instanceof ProviderFault)) throw error;
      return hasOutput && resumable?.isAttached !== true ? error.asFinal() : error;
    } finally {
      connection.close();
    }
  }

  /** A failure that the provider told in its stream, and that another try would not help. */
  #finishTold<T extends { error: ResponseError }>(finish: T, hasOutput: boolean): T & { isUnavailable: boolean } {
    const isUnavailable = !hasOutput && isOfProvider(finish.error);
    return { ...finish, error: this.#concealed(finish.error), isUnavailable };
  }

  /** Providers quote what they refuse. What they quote of ours is not for the client. */
  #concealed({ code, message, type, param }: ResponseError): ResponseError {
    const conceal = this.#conceal;
    return { code, message: conceal(message), type: conceal(type), param: param === null ? null : conceal(param) };
  }
}

/** What a provider was given of a request's secrets, and quotes in what it refuses, is not for whoever reads the response. */
export async function* concealing(
  events: AsyncIterable<UpstreamEvent>,
  redact: Redact,
): AsyncGenerator<UpstreamEvent, void, undefined> {
  for await (const event of events) {
    if (event.type !== "finish" || !("error" in event)) yield event;
    else yield { ...event, error: { ...event.error, message: redact(event.error.message) } };
  }
}

/** `retries` is how many tries were repeated before. Full jitter, so that runs which failed together do not return together. */
export function retryDelayMs(
  fault: ProviderFault,
  retries: number,
  firstBackoffMs: number,
  random: () => number = Math.random,
): number {
  if (fault.retryAfterMs !== undefined) return fault.retryAfterMs;
  return random() * Math.min(LONGEST_BACKOFF_MS, firstBackoffMs * 2 ** retries);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch {
    // It rejects for no other reason, and with an error of its own in the place of the signal's.
    signal.throwIfAborted();
  }
}
