/** `POST /embeddings` (contract.md#embeddings): vectors of texts, by the model of a provider. */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../context.ts";
import { mapInSlices } from "../../concurrency/time-slice.ts";
import { SemaphoreFullError } from "../../concurrency/fair-semaphore.ts";
import { EmbeddingError } from "../../embeddings/embedding-error.ts";
import type { EmbeddingInput, Embeddings } from "../../embeddings/embedding-provider.ts";
import { providerRateLimited } from "../../lifecycle/errors/limits.ts";
import { runFailed } from "../../lifecycle/errors/server.ts";
import { modelNotFound } from "../../lifecycle/errors/state.ts";
import type { EmbeddingsRequest } from "../../protocol/embeddings.ts";
import { selectExtraParameters } from "../../providers/extra-parameters.ts";
import { whenClosed } from "../replies/event-stream.ts";
import { sendResponseJson } from "../replies/send-json.ts";
import { parseEmbeddingsRequest } from "../validation/embeddings-request.ts";
import { UnknownParameters } from "../validation/unknown-parameters.ts";

/** A client waits this long for a provider's rate limit. For a longer wait it gets the time at which to retry. */
const MAX_WAIT_MS = 5_000;
const BUSY_RETRY_SECONDS = 5;

export function createEmbeddings({ catalog, config, embedder }: ApiContext): RequestHandler {
  return async (request, response) => {
    const unknown = new UnknownParameters(config.UNKNOWN_PARAMETERS);
    const body = await parseEmbeddingsRequest(request.body, catalog, unknown);
    unknown.setHeader(response);
    const resolved = catalog.resolve(body.model);
    if (resolved === undefined) throw modelNotFound(body.model);
    const call = {
      model: resolved.model,
      inputs: toInputs(body.input),
      dimensions: body.dimensions ?? undefined,
      user: body.user ?? undefined,
      extra: selectExtraParameters(resolved.provider, body),
    };
    const disconnected = new AbortController();
    whenClosed(response, () => disconnected.abort());
    const { signal } = disconnected;
    const options = { project: response.locals.project, signal, maxWaitMs: MAX_WAIT_MS };
    try {
      sendResponseJson(response, await toJson(body, await embedder.embed(resolved, call, options)));
    } catch (error) {
      // After a disconnect the error is the aborted call.
      if (!signal.aborted) throw toApiError(error, body.model);
    }
  };
}

function toInputs(input: EmbeddingsRequest["input"]): readonly EmbeddingInput[] {
  if (typeof input === "string") return [input];
  return isTokens(input) ? [input] : input;
}

function isTokens(input: Exclude<EmbeddingsRequest["input"], string>): input is number[] {
  return typeof input[0] === "number";
}

/** In slices, because 2,048 vectors are tens of megabytes. */
async function toJson({ model, encoding_format }: EmbeddingsRequest, { vectors, tokens }: Embeddings): Promise<string> {
  const encode = encoding_format === "base64" ? encodeBase64 : encodeNumbers;
  const data = await mapInSlices(
    vectors,
    (vector, index) => `{"object":"embedding","index":${index},"embedding":${encode(vector)}}`,
  );
  const usage = JSON.stringify({ prompt_tokens: tokens, total_tokens: tokens });
  return `{"object":"list","data":[${data.join(",")}],"model":${JSON.stringify(model)},"usage":${usage}}`;
}

function encodeBase64({ buffer, byteOffset, byteLength }: Float32Array): string {
  return `"${Buffer.from(buffer, byteOffset, byteLength).toString("base64")}"`;
}

function encodeNumbers(vector: Float32Array): string {
  return JSON.stringify([...vector]);
}

function toApiError(error: unknown, model: string): unknown {
  if (error instanceof SemaphoreFullError) {
    return providerRateLimited("Too many requests for embeddings are waiting.", BUSY_RETRY_SECONDS);
  }
  if (!(error instanceof EmbeddingError)) return error;
  if (error.isModelUnknown) return modelNotFound(model);
  if (!error.isRateLimit) return runFailed(error.error);
  const seconds = Math.ceil((error.retryAfterMs ?? 1_000) / 1_000);
  return providerRateLimited(error.message, Math.max(1, seconds));
}
