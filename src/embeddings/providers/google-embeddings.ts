/** Embeddings of Google's models, through the AI SDK. */
import { createGoogle } from "@ai-sdk/google";
import { APICallError } from "@ai-sdk/provider";
import type { Config } from "../../config/config.ts";
import { TokenCounter } from "../../context-window/tokenizer.ts";
import type { AiSdkProvider } from "../../providers/catalog.ts";
import { withTraceContext } from "../../telemetry/trace-context.ts";
import { embeddingRefusal, embeddingsUnsupported, providerUnreachable } from "../embedding-error.ts";
import type { EmbeddingCall, EmbeddingProvider, Embeddings } from "../embedding-provider.ts";

export class GoogleEmbeddings implements EmbeddingProvider {
  readonly #provider: ReturnType<typeof createGoogle>;

  constructor(
    { api_key_env, base_url, headers }: Extract<AiSdkProvider, { kind: "google" }>,
    environment: Config["environment"],
  ) {
    this.#provider = createGoogle({
      apiKey: (api_key_env === undefined ? undefined : environment[api_key_env]) || "none",
      baseURL: base_url,
      headers,
      fetch: withTraceContext(globalThis.fetch),
    });
  }

  async embed({ model, inputs, dimensions }: EmbeddingCall, signal: AbortSignal): Promise<Embeddings> {
    const values = inputs.map((input) => {
      if (typeof input === "string") return input;
      throw embeddingsUnsupported("This model's provider does not take tokens. Send texts.", "input");
    });
    const options = { values, abortSignal: signal, ...(dimensions !== undefined && { dimensions }) };
    const answer = this.#provider.embeddingModel(model).doEmbed(options);
    const { embeddings, usage } = await answer.then(undefined, (error: unknown) => {
      throw classifyError(error);
    });
    const tokens = usage?.tokens ?? (await countTokens(values));
    return { vectors: embeddings.map((embedding) => Float32Array.from(embedding)), tokens };
  }
}

/** Any other error is returned as it is: a bug of this server, or the signal's. */
function classifyError(error: unknown): unknown {
  if (!APICallError.isInstance(error)) return error;
  const { statusCode: status, responseHeaders, message } = error;
  if (status === undefined) return providerUnreachable();
  return embeddingRefusal({ status, headers: new Headers(responseHeaders), message });
}

/** Google does not count them. */
async function countTokens(values: readonly string[]): Promise<number> {
  const counter = new TokenCounter();
  let tokens = 0;
  for (const value of values) tokens += await counter.countText(value);
  return tokens;
}
