/**
 * Embeddings of OpenAI and of every server that speaks its protocol: vLLM, Ollama, llama.cpp, text-embeddings-inference.
 * Vectors are asked for in base64, as the official clients do by default: a tenth of the bytes and of the time to parse.
 * Servers that ignore this send numbers.
 */
import type OpenAI from "openai";
import { APIConnectionError, APIError } from "openai";
import { z } from "zod";
import type { Config } from "../../config/config.ts";
import { createOpenAiClient, type SpeaksOpenAi } from "../../providers/openai-client.ts";
import { embeddingRefusal, malformedEmbeddings, providerUnreachable } from "../embedding-error.ts";
import type { EmbeddingCall, EmbeddingProvider, Embeddings } from "../embedding-provider.ts";

const answerSchema = z.object({
  data: z.array(z.object({ embedding: z.union([z.string(), z.array(z.number())]), index: z.int().min(0).optional() })),
  usage: z.object({ prompt_tokens: z.int().min(0) }).nullish(),
});

export class OpenAiEmbeddings implements EmbeddingProvider {
  readonly #client: OpenAI;

  constructor(provider: SpeaksOpenAi, environment: Config["environment"]) {
    this.#client = createOpenAiClient(provider, environment);
  }

  async embed({ model, inputs, dimensions, user, extra }: EmbeddingCall, signal: AbortSignal): Promise<Embeddings> {
    const body = { ...extra, model, input: inputs, dimensions, user, encoding_format: "base64" };
    const answer = answerSchema.safeParse(
      await this.#client.post("/embeddings", { body, signal }).catch((error: unknown) => {
        throw classifyError(error);
      }),
    );
    if (!answer.success) throw malformedEmbeddings("they do not have the form of OpenAI's");
    const { data, usage } = answer.data;
    const ordered = data.toSorted((a, b) => (a.index ?? 0) - (b.index ?? 0));
    return { vectors: ordered.map(({ embedding }) => toVector(embedding)), tokens: usage?.prompt_tokens ?? 0 };
  }
}

/** Any other error is returned as it is: a bug of this server, or the signal's. */
function classifyError(error: unknown): unknown {
  if (error instanceof APIConnectionError) return providerUnreachable();
  if (!(error instanceof APIError)) return error;
  // Undefined for errors that no answer has caused.
  const status = error.status as number | undefined;
  if (status === undefined) return error;
  const { headers, code, param } = error;
  return embeddingRefusal({ status, headers, code, param, message: messageOf(error.error) ?? error.message });
}

/** Servers put the message into the error object, or send it as the error. */
function messageOf(error: unknown): string | undefined {
  if (typeof error === "string") return error;
  const message = typeof error === "object" && error !== null && "message" in error ? error.message : undefined;
  return typeof message === "string" ? message : undefined;
}

function toVector(embedding: string | number[]): Float32Array {
  if (typeof embedding !== "string") return Float32Array.from(embedding);
  const bytes = Buffer.from(embedding, "base64");
  if (bytes.length % 4 !== 0) throw malformedEmbeddings("a vector is cut off");
  // Little-endian, like every machine that runs Node.js. The copy is aligned.
  return new Float32Array(new Uint8Array(bytes).buffer);
}
