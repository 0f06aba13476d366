/**
 * Any server that speaks the Responses API: OpenAI itself, or vLLM, Ollama, LM Studio and the like. The official SDK
 * carries the request; every published item event of the provider is passed on, so its hosted tools work without being known here.
 *
 * A try that fails before its first item event is repeated; after that nothing is, because what was yielded stands in a
 * log already. Every wait on the provider has a limit, and every way out of a try closes its connection.
 */
import { setTimeout as delay } from "node:timers/promises";
import OpenAI from "openai";
import { Agent, fetch } from "undici";
import type { Config } from "../../src/config.ts";
import type { ResponseError } from "../../src/protocol/response.ts";
import type { OpenAiResponsesProvider } from "../../src/providers/catalog.ts";
import type { Upstream, UpstreamCall, UpstreamEvent } from "../upstream.ts";
import { Connection, type TimeLimit } from "./openai-responses/connection.ts";
import { brokenStreamFault, ProviderFault, retryDelayMs } from "./openai-responses/faults.ts";
import { readFinish } from "./openai-responses/finish.ts";
import { OutputRelay } from "./openai-responses/output-relay.ts";
import { createParams } from "./openai-responses/request.ts";
import { isProviderEvent } from "./openai-responses/json.ts";

/** Many local servers want no key, but the SDK does. */
const NO_KEY = "none";
const FIRST_BACKOFF_MS = 500;
/** A shorter header value is a setting, not a secret, and would blank out ordinary words. */
const SECRET_MIN_LENGTH = 8;

const UNLIMITED = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

export interface OpenAiResponsesOptions {
  /** Upper bound of the wait before the first repeated try. It doubles with each. */
  firstBackoffMs?: number;
}

export class OpenAiResponsesUpstream implements Upstream {
  readonly #client: OpenAI;
  readonly #secrets: readonly string[];
  readonly #headersLimit: TimeLimit;
  readonly #idleLimit: TimeLimit;
  readonly #maxRetries: number;
  readonly #firstBackoffMs: number;

  /** `environment` holds the provider's key, under the name that the provider gives. */
  constructor(
    provider: OpenAiResponsesProvider,
    config: Config,
    environment: NodeJS.ProcessEnv,
    options: OpenAiResponsesOptions = {},
  ) {
    const key = (provider.api_key_env === undefined ? undefined : environment[provider.api_key_env]) || NO_KEY;
    this.#headersLimit = { setting: "UPSTREAM_TIMEOUT_MS", ms: config.UPSTREAM_TIMEOUT_MS };
    this.#idleLimit = { setting: "UPSTREAM_IDLE_TIMEOUT_MS", ms: config.UPSTREAM_IDLE_TIMEOUT_MS };
    this.#maxRetries = config.UPSTREAM_MAX_RETRIES;
    this.#firstBackoffMs = options.firstBackoffMs ?? FIRST_BACKOFF_MS;
    this.#secrets = [key, ...Object.values(provider.headers)].filter((value) => value.length >= SECRET_MIN_LENGTH);
    this.#client = new OpenAI({
      apiKey: key,
      baseURL: provider.base_url,
      defaultHeaders: provider.headers,
      maxRetries: 0,
      timeout: config.UPSTREAM_TIMEOUT_MS,
      logLevel: "off",
      // The runtime's own fetch gives up after 300 s without a byte; a model may think for longer. The limits are ours.
      fetch: fetch as unknown as typeof globalThis.fetch,
      fetchOptions: { dispatcher: UNLIMITED },
      // Otherwise the SDK would read these from the environment and send one vendor's account to another.
      organization: null,
      project: null,
      adminAPIKey: null,
      webhookSecret: null,
    });
  }

  async *run(call: UpstreamCall, signal: AbortSignal): AsyncGenerator<UpstreamEvent, void, undefined> {
    for (let retries = 0; ; retries++) {
      signal.throwIfAborted();
      const fault = yield* this.#try(call, signal);
      if (fault === undefined) return;
      if (!fault.retryable || retries >= this.#maxRetries) {
        yield { type: "finish", status: "failed", error: this.#conceal(fault.error) };
        return;
      }
      await pause(retryDelayMs(fault, retries, this.#firstBackoffMs), signal);
    }
  }

  /** One HTTP request. Answers what went wrong, unless it yielded a finish. */
  async *#try(call: UpstreamCall, signal: AbortSignal): AsyncGenerator<UpstreamEvent, ProviderFault | undefined> {
    const connection = new Connection(signal);
    const output = new OutputRelay();
    try {
      const opening = this.#client.responses.create(createParams(call), { signal: connection.signal });
      const events = (await connection.within(this.#headersLimit, opening))[Symbol.asyncIterator]();
      for (;;) {
        const next = await connection.within(this.#idleLimit, events.next());
        if (next.done === true) throw brokenStreamFault();
        const event: unknown = next.value;
        if (!isProviderEvent(event)) continue;
        const finish = readFinish(event);
        if (finish === undefined) {
          yield* output.relay(event);
          continue;
        }
        if (finish.status !== "failed") yield* output.close(event["response"], finish.status);
        yield finish.status === "failed" ? { ...finish, error: this.#conceal(finish.error) } : finish;
        return undefined;
      }
    } catch (error) {
      if (!(error instanceof ProviderFault)) throw error;
      return output.started ? error.asFinal() : error;
    } finally {
      connection.close();
    }
  }

  /** Providers quote what they refuse. What they quote of ours is not for the client. */
  #conceal(error: ResponseError): ResponseError {
    const message = this.#secrets.reduce((text, secret) => text.replaceAll(secret, "[redacted]"), error.message);
    return { ...error, message };
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch {
    // It rejects for no other reason, and with an error of its own in the place of the signal's.
    signal.throwIfAborted();
  }
}
