/**
 * Embeddings without a model: each word points into a random direction of its own, so that texts with the same words are
 * near each other. Deterministic, for tests and demos.
 */
import { TokenCounter } from "../../context-window/tokenizer.ts";
import type { EmbeddingCall, EmbeddingProvider, Embeddings } from "../embedding-provider.ts";

const DEFAULT_DIMENSIONS = 256;
/** Components that a word changes. */
const COMPONENTS = 16;
const WORD = /[\p{L}\p{M}\p{N}]+/gu;

export class SimulatorEmbeddings implements EmbeddingProvider {
  async embed({ inputs, dimensions = DEFAULT_DIMENSIONS }: EmbeddingCall, signal: AbortSignal): Promise<Embeddings> {
    const counter = new TokenCounter();
    const vectors: Float32Array[] = [];
    let tokens = 0;
    for (const input of inputs) {
      tokens += typeof input === "string" ? await counter.countText(input, signal) : input.length;
      const words = typeof input === "string" ? (input.toLowerCase().match(WORD) ?? []) : input.map(String);
      vectors.push(toVector(words, dimensions));
    }
    return { vectors, tokens };
  }
}

/** Of length 1. */
function toVector(words: readonly string[], dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  // A text without words has a direction, too.
  for (const word of words.length === 0 ? [""] : words) {
    let state = 0x811c9dc5;
    for (let i = 0; i < word.length; i += 1) state = Math.imul(state ^ word.charCodeAt(i), 0x01000193);
    for (let i = 0; i < COMPONENTS; i += 1) {
      // xorshift32, which never leaves 0.
      state = state === 0 ? 1 : state;
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const component = (state >>> 1) % dimensions;
      vector[component] = vector[component]! + ((state & 1) === 0 ? 1 : -1);
    }
  }
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  if (length === 0) vector[0] = 1;
  return length === 0 ? vector : vector.map((value) => value / length);
}
