/**
 * Any server that speaks the Responses API: OpenAI itself, or vLLM, Ollama, LM Studio and the like. The official SDK
 * carries the request; every published item event of the provider is passed on, so its hosted tools work without being
 * known here.
 */
import OpenAI from "openai";
import type { Config } from "../../../src/config/config.ts";
import type { OpenAiResponsesProvider } from "../../../src/providers/catalog.ts";
import { extraFor } from "../../../src/providers/extra-parameters.ts";
import { itemSecrets, toolSecrets } from "../../../src/providers/tool-secrets.ts";
import { redactor } from "../../../src/logging/redaction.ts";
import type { BackgroundUpstream, UpstreamCall, UpstreamEvent } from "../upstream.ts";
import { BackgroundCall } from "./background-call.ts";
import { classifyFault, isNotThere } from "./classify-fault.ts";
import { readFinish, UNCOUNTED } from "./finish.ts";
import { OutputRelay } from "./output-relay.ts";
import { createParams } from "./request.ts";
import type { Connection } from "../provider/connection.ts";
import { streamingAnswers } from "../provider/answer-stream.ts";
import { isProviderEvent } from "../provider/json.ts";
import { statingRefusals } from "../provider/refusal-in-body.ts";
import { concealing, keyOf, Tries, type TryOptions, unlimitedFetch } from "../provider/tries.ts";

/** Many local servers want no key, but the SDK does. */
const NO_KEY = "none";

/** For a response of the provider's to be cancelled and deleted. */
const ABANDON_LIMIT_MS = 5_000;

export class OpenAiResponsesUpstream implements BackgroundUpstream {
  readonly #provider: OpenAiResponsesProvider;
  readonly #client: OpenAI;
  readonly #tries: Tries;

  constructor(provider: OpenAiResponsesProvider, config: Config, options: TryOptions = {}) {
    this.#provider = provider;
    this.#tries = new Tries(config, provider, classifyFault, options);
    this.#client = new OpenAI({
      apiKey: keyOf(provider, config.environment) ?? NO_KEY,
      baseURL: provider.base_url,
      defaultHeaders: provider.headers,
      maxRetries: 0,
      timeout: config.UPSTREAM_TIMEOUT_MS,
      logLevel: "off",
      fetch: streamingAnswers(statingRefusals(unlimitedFetch)),
      // Otherwise the SDK would read these from the environment and send one vendor's account to another.
      organization: null,
      project: null,
      adminAPIKey: null,
      webhookSecret: null,
    });
  }

  run(call: UpstreamCall, signal: AbortSignal): AsyncGenerator<UpstreamEvent, void, undefined> {
    return concealing(
      this.#run(call, signal),
      redactor([...toolSecrets(call.request.tools ?? []), ...itemSecrets(call.input)]),
    );
  }

  #run(call: UpstreamCall, signal: AbortSignal): AsyncGenerator<UpstreamEvent, void, undefined> {
    const { attachment } = call;
    if (attachment === undefined || this.#provider.background !== true) {
      return this.#tries.run((connection) => this.#attempt(call, connection), signal);
    }
    const extra = extraFor(this.#provider, call.request);
    const access = { client: this.#client, provider: this.#provider.name, limits: this.#tries, extra };
    const background = new BackgroundCall(access, call, attachment);
    return this.#tries.run((connection) => background.attempt(connection), signal, background);
  }

  async abandon(id: string, isOver: boolean): Promise<void> {
    const { responses } = this.#client;
    const signal = AbortSignal.timeout(ABANDON_LIMIT_MS);
    if (!isOver) await untilAnswered(responses.cancel(id, { signal }));
    if (this.#provider.keep_responses !== true) await untilAnswered(responses.delete(id, { signal }));
  }

  async *#attempt(call: UpstreamCall, connection: Connection): AsyncGenerator<UpstreamEvent, void, undefined> {
    const output = new OutputRelay();
    const params = createParams(call, extraFor(this.#provider, call.request));
    const opening = connection.open(() => this.#client.responses.create(params, { signal: connection.signal }));
    const events = (await connection.within(this.#tries.headersLimit, opening))[Symbol.asyncIterator]();
    for (;;) {
      const next = await connection.within(this.#tries.idleLimit, events.next());
      if (next.done === true) {
        // Some servers end their streams as those of chat completions end, and say nothing else.
        if (connection.isEnded && output.started && !output.hasOpenItems) yield UNCOUNTED;
        return;
      }
      const event: unknown = next.value;
      if (!isProviderEvent(event)) continue;
      const finish = readFinish(event);
      if (finish === undefined) {
        yield* output.relay(event);
        continue;
      }
      if (finish.status !== "failed") yield* output.close(event["response"], finish.status);
      yield finish;
      return;
    }
  }
}

async function untilAnswered(request: PromiseLike<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!isNotThere(error)) throw error;
  }
}
