/**
 * Serves every vendor that the Vercel AI SDK supports: chat completions servers (vLLM, Ollama, llama.cpp, LM Studio and
 * others), Anthropic, Google. It calls `doStream` of the vendors' packages, which is one HTTP request. The SDK's higher
 * levels add their own retries, tools and messages, and hide ids, raw errors and the ends of blocks.
 *
 * Request: prompt.ts, toolbox.ts and call-options.ts. Output: output-events.ts and finish.ts. Unfinished messages that the
 * vendor continues: message-prefix.ts and continued-events.ts.
 */
import type { Logger } from "pino";
import type { Config } from "../../../src/config/config.ts";
import type { AiSdkProvider } from "../../../src/providers/catalog.ts";
import type { FailedFinish, Upstream, UpstreamCall, UpstreamEvent } from "../upstream.ts";
import { createCallOptions } from "./call-options.ts";
import { classifyError, isIgnorableError, classifyStreamError } from "./classify-error.ts";
import { type MessagePrefix, readPrefix, subtractPrefixTokens, addPrefix } from "./message-prefix.ts";
import { ContinuedEvents } from "./continued-events.ts";
import { OutputEvents } from "./output-events.ts";
import { readFinish } from "./finish.ts";
import { endWithUserMessage } from "./arrange-messages.ts";
import { ReturnedState } from "./returned-state.ts";
import { ThinkTagParser } from "./think-tag-parser.ts";
import { openVendor, type Vendor } from "./vendors.ts";
import { InvalidPromptError } from "../invalid-prompt.ts";
import type { Toolbox } from "./convert-tools.ts";
import type { Connection } from "../http/connection.ts";
import { readApiKey } from "../../../src/providers/credentials.ts";
import { RetryPolicy, type RetryOptions } from "../http/retry-policy.ts";

interface AiSdkOptions extends RetryOptions {
  logger?: Logger;
}

export class AiSdkUpstream implements Upstream {
  readonly #provider: AiSdkProvider;
  readonly #vendor: Vendor;
  readonly #retryPolicy: RetryPolicy;
  readonly #logger: Logger | undefined;

  constructor(provider: AiSdkProvider, config: Config, { logger, ...options }: AiSdkOptions = {}) {
    this.#provider = provider;
    this.#vendor = openVendor(provider, readApiKey(provider, config.environment));
    this.#retryPolicy = new RetryPolicy(config, provider, classifyError, options);
    this.#logger = logger;
  }

  async *run(call: UpstreamCall, signal: AbortSignal): AsyncGenerator<UpstreamEvent, void, undefined> {
    const prefix = readPrefix(call, this.#provider);
    if (prefix !== undefined && (yield* this.#continue(call, prefix, signal))) return;
    const { observer } = call;
    yield* this.#retryPolicy.run((connection) => this.#streamOnce(call, connection), signal, { observer });
  }

  /** Returns whether the call was served. If not, the vendor cannot continue this text, and nothing was yielded. */
  async *#continue(
    call: UpstreamCall,
    prefix: MessagePrefix,
    signal: AbortSignal,
  ): AsyncGenerator<UpstreamEvent, boolean, undefined> {
    const shorter = await subtractPrefixTokens(call, prefix, signal);
    let hasOutput = false;
    for await (const event of this.#retryPolicy.run(
      (connection) => this.#streamOnce(shorter, connection, prefix),
      signal,
      { observer: call.observer },
    )) {
      if (!hasOutput && isRequestFailure(event)) {
        const { responseId, model } = call;
        const { error: reason } = event;
        this.#logger?.warn({ responseId, model, reason }, "Unfinished text not continued, asking for the whole answer");
        return false;
      }
      hasOutput = true;
      yield event;
    }
    return true;
  }

  async *#streamOnce(
    call: UpstreamCall,
    connection: Connection,
    prefix?: MessagePrefix,
  ): AsyncGenerator<UpstreamEvent, void, undefined> {
    const { headersTimeout, idleTimeout } = this.#retryPolicy;
    const { options, toolbox } = this.#prepareOptions(call, prefix);
    const opening = connection.runRequest(() =>
      this.#vendor.model(call.model).doStream({ ...options, abortSignal: connection.signal }),
    );
    const reader = (await connection.waitWithin(headersTimeout, opening)).stream.getReader();
    const events = this.#openEvents(call, toolbox);
    const output = prefix === undefined ? events : new ContinuedEvents(events, prefix);
    // A continuation does not start with a tag.
    const tags = new ThinkTagParser(prefix === undefined ? this.#vendor.traits.think_tags : "none");
    for (;;) {
      const next = await connection.waitWithin(idleTimeout, reader.read());
      if (next.done) return;
      if (next.value.type === "error") {
        if (isIgnorableError(next.value.error)) continue;
        throw classifyStreamError(next.value.error);
      }
      for (const part of tags.read(next.value)) yield* output.accept(part);
      if (next.value.type !== "finish") continue;
      const finish = readFinish(next.value, output);
      yield* output.finish(finish.status === "completed" ? "completed" : "incomplete");
      yield finish;
      return;
    }
  }

  #openEvents(call: UpstreamCall, toolbox: Toolbox): OutputEvents {
    const { name, stateOwner: owner, stateOriginOf, readsRawChunks, traits } = this.#vendor;
    const state = readsRawChunks ? new ReturnedState(name, traits.state_returned) : undefined;
    return new OutputEvents(call, toolbox, { owner, from: stateOriginOf?.(call.model) }, state);
  }

  #prepareOptions(call: UpstreamCall, prefix: MessagePrefix | undefined) {
    try {
      const { options, toolbox } = createCallOptions(call, this.#vendor);
      if (prefix !== undefined) return { options: addPrefix(options, prefix, this.#vendor.name), toolbox };
      return { options: { ...options, prompt: endWithUserMessage(options.prompt, this.#vendor.traits) }, toolbox };
    } catch (error) {
      throw error instanceof InvalidPromptError ? classifyError(error) : error;
    }
  }
}

/** The vendor works, and would serve another request. */
function isRequestFailure(event: UpstreamEvent): event is FailedFinish {
  return event.type === "finish" && event.status === "failed" && event.isUnavailable !== true;
}
