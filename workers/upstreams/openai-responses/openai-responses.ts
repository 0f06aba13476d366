/**
 * Serves any provider with a Responses API: OpenAI, or vLLM, Ollama, LM Studio and others. The official SDK sends the
 * request. All published item events pass through, so a provider's hosted tools work without support here.
 */
import type OpenAI from "openai";
import type { Config } from "../../../src/config/config.ts";
import type { OpenAiResponsesProvider } from "../../../src/providers/catalog.ts";
import { createOpenAiClient } from "../../../src/providers/openai-client.ts";
import { selectExtraParameters } from "../../../src/providers/extra-parameters.ts";
import { listItemSecrets, listToolSecrets } from "../../../src/providers/tool-secrets.ts";
import { createRedactor } from "../../../src/logging/redaction.ts";
import type { BackgroundUpstream, UpstreamCall, UpstreamEvent } from "../upstream.ts";
import { BackgroundCall } from "./background-call.ts";
import { classifyError, isAbsentError } from "./classify-error.ts";
import { readFinish, FINISH_WITHOUT_USAGE } from "./finish.ts";
import { OutputNormalizer } from "./output-normalizer.ts";
import { createParams } from "./request.ts";
import type { Connection } from "../http/connection.ts";
import { withEventStream } from "../http/answer-stream.ts";
import { isProviderEvent } from "../http/json.ts";
import { withErrorStatus } from "../http/error-in-body.ts";
import { fetchWithoutTimeouts } from "../http/fetch-without-timeouts.ts";
import { redactErrors, RetryPolicy, type RetryOptions } from "../http/retry-policy.ts";

/** Timeout for cancelling and deleting a provider's response. */
const CANCEL_TIMEOUT_MS = 5_000;

export class OpenAiResponsesUpstream implements BackgroundUpstream {
  readonly #provider: OpenAiResponsesProvider;
  readonly #client: OpenAI;
  readonly #retryPolicy: RetryPolicy;

  constructor(provider: OpenAiResponsesProvider, config: Config, options: RetryOptions = {}) {
    this.#provider = provider;
    this.#retryPolicy = new RetryPolicy(config, provider, classifyError, options);
    this.#client = createOpenAiClient(provider, config.environment, {
      timeout: config.UPSTREAM_TIMEOUT_MS,
      fetch: withEventStream(withErrorStatus(fetchWithoutTimeouts)),
    });
  }

  run(call: UpstreamCall, signal: AbortSignal): AsyncGenerator<UpstreamEvent, void, undefined> {
    return redactErrors(
      this.#run(call, signal),
      createRedactor([...listToolSecrets(call.request.tools ?? []), ...listItemSecrets(call.history)]),
    );
  }

  #run(call: UpstreamCall, signal: AbortSignal): AsyncGenerator<UpstreamEvent, void, undefined> {
    const { remoteRun, observer } = call;
    if (remoteRun === undefined || this.#provider.background !== true) {
      return this.#retryPolicy.run((connection) => this.#streamOnce(call, connection), signal, { observer });
    }
    const extra = selectExtraParameters(this.#provider, call.request);
    const access = { client: this.#client, provider: this.#provider.name, timeouts: this.#retryPolicy, extra };
    const background = new BackgroundCall(access, call, remoteRun);
    return this.#retryPolicy.run((connection) => background.streamOnce(connection), signal, {
      resumable: background,
      observer,
    });
  }

  async cancelAndDelete(id: string, hasEnded: boolean): Promise<void> {
    const { responses } = this.#client;
    const signal = AbortSignal.timeout(CANCEL_TIMEOUT_MS);
    if (!hasEnded) await ignoreAbsent(responses.cancel(id, { signal }));
    if (this.#provider.keep_responses !== true) await ignoreAbsent(responses.delete(id, { signal }));
  }

  async *#streamOnce(call: UpstreamCall, connection: Connection): AsyncGenerator<UpstreamEvent, void, undefined> {
    const output = new OutputNormalizer();
    const params = createParams(call, selectExtraParameters(this.#provider, call.request));
    const opening = connection.runRequest(() => this.#client.responses.create(params, { signal: connection.signal }));
    const events = (await connection.waitWithin(this.#retryPolicy.headersTimeout, opening))[Symbol.asyncIterator]();
    for (;;) {
      const next = await connection.waitWithin(this.#retryPolicy.idleTimeout, events.next());
      if (next.done === true) {
        // Some servers end the stream like a chat completion, without a terminal event.
        if (connection.isEnded && output.hasStarted && !output.hasOpenItems) yield FINISH_WITHOUT_USAGE;
        return;
      }
      const event: unknown = next.value;
      if (!isProviderEvent(event)) continue;
      const finish = readFinish(event);
      if (finish === undefined) {
        yield* output.normalize(event);
        continue;
      }
      if (finish.status !== "failed") yield* output.close(event["response"], finish.status);
      yield finish;
      return;
    }
  }
}

async function ignoreAbsent(request: PromiseLike<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!isAbsentError(error)) throw error;
  }
}
