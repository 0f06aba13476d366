/** The contract between embeddings and a provider's adapter. */
import type { EmbeddingsRequest } from "../protocol/embeddings.ts";

/** A text, or the tokens of one. */
export type EmbeddingInput = string | readonly number[];

export interface EmbeddingCall {
  /** The provider's own name of the model. */
  model: string;
  inputs: readonly EmbeddingInput[];
  /** Undefined: the model's own. */
  dimensions?: number | undefined;
  user?: string | undefined;
  /** The provider's own parameters. */
  extra?: EmbeddingsRequest["extra_parameters"];
}

export interface Embeddings {
  /** In the order of the inputs, all of one length. */
  vectors: Float32Array[];
  /** Tokens of the inputs. */
  tokens: number;
}

export interface EmbeddingProvider {
  /** Sends one request. Throws an EmbeddingError if the provider fails. */
  embed(call: EmbeddingCall, signal: AbortSignal): Promise<Embeddings>;
}
