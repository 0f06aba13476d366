/**
 * Any vendor that the Vercel AI SDK speaks to: servers of chat completions (vLLM, Ollama, llama.cpp, LM Studio …),
 * Anthropic, Google. The vendors' packages are used at the level of `doStream`, one HTTP request: above it the SDK has
 * retries, tools and messages of its own, and hides ids, raw errors and where one block ends.
 *
 * What goes in is in `ai-sdk/prompt.ts`, `tools.ts` and `call-options.ts`, what comes out in `events.ts` and `finish.ts`.
 */
import type { Config } from "../../src/config.ts";
import type { AiSdkProvider } from "../../src/providers/catalog.ts";
import type { Upstream, UpstreamCall, UpstreamEvent } from "../upstream.ts";
import { createCallOptions } from "./ai-sdk/call-options.ts";
import { classifyFault, streamFault } from "./ai-sdk/classify-fault.ts";
import { OutputEvents } from "./ai-sdk/events.ts";
import { readFinish } from "./ai-sdk/finish.ts";
import { openVendor, type Vendor } from "./ai-sdk/vendors.ts";
import { InvalidPromptError } from "./invalid-prompt.ts";
import type { Connection } from "./provider/connection.ts";
import { keyOf, Tries, type TryOptions } from "./provider/tries.ts";

export class AiSdkUpstream implements Upstream {
  readonly #vendor: Vendor;
  readonly #tries: Tries;

  constructor(provider: AiSdkProvider, config: Config, options: TryOptions = {}) {
    this.#vendor = openVendor(provider, keyOf(provider, config.environment));
    this.#tries = new Tries(config, provider, classifyFault, options);
  }

  run(call: UpstreamCall, signal: AbortSignal): AsyncGenerator<UpstreamEvent, void, undefined> {
    return this.#tries.run((connection) => this.#attempt(call, connection), signal);
  }

  async *#attempt(call: UpstreamCall, connection: Connection): AsyncGenerator<UpstreamEvent, void, undefined> {
    const { headersLimit, idleLimit } = this.#tries;
    const { options, toolbox } = this.#prepare(call);
    const opening = this.#vendor.model(call.model).doStream({ ...options, abortSignal: connection.signal });
    const reader = (await connection.within(headersLimit, opening)).stream.getReader();
    const output = new OutputEvents(call, toolbox, this.#vendor.name);
    for (;;) {
      const next = await connection.within(idleLimit, reader.read());
      if (next.done) return;
      if (next.value.type === "error") {
        if (this.#vendor.mayIgnore(next.value.error)) continue;
        throw streamFault(next.value.error);
      }
      if (next.value.type !== "finish") {
        yield* output.accept(next.value);
        continue;
      }
      const finish = readFinish(next.value, output);
      yield* output.finish(finish.status === "completed" ? "completed" : "incomplete");
      yield finish;
      return;
    }
  }

  #prepare(call: UpstreamCall) {
    try {
      return createCallOptions(call, this.#vendor);
    } catch (error) {
      throw error instanceof InvalidPromptError ? classifyFault(error) : error;
    }
  }
}
