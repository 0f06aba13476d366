/**
 * Embeds any number of inputs with a provider's model: in batches, a few at a time, with retries. Projects share the
 * requests of a process fairly.
 */
import { setTimeout as delay } from "node:timers/promises";
import { FairSemaphore } from "../concurrency/fair-semaphore.ts";
import type { Config } from "../config/config.ts";
import { createRedactor, type Redact } from "../logging/redaction.ts";
import { listHeaderSecrets } from "../logging/redaction/list-secrets.ts";
import type { Provider, ResolvedModel } from "../providers/catalog.ts";
import { EmbeddingError, embeddingsUnsupported, embeddingTimeout, malformedEmbeddings } from "./embedding-error.ts";
import type { EmbeddingCall, EmbeddingInput, EmbeddingProvider, Embeddings } from "./embedding-provider.ts";
import { openEmbeddingProvider } from "./open-provider.ts";

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** Requests that wait for their turn, over all projects. */
const MAX_WAITING = 10_000;
/** Bounds a request with long inputs. */
const MAX_BATCH_CHARACTERS = 256 * 1024;

export interface EmbedOptions {
  project: string;
  signal: AbortSignal;
  /** A longer wait that the provider asks for is an error at once, which says how long it is. */
  maxWaitMs: number;
  /** Maximum wait before the first retry. It doubles with each. */
  firstBackoffMs?: number;
}

type EmbedderSettings = Pick<
  Config,
  "environment" | "EMBEDDING_BATCH_SIZE" | "EMBEDDING_CONCURRENCY" | "UPSTREAM_MAX_RETRIES" | "UPSTREAM_TIMEOUT_MS"
>;

interface OpenedProvider {
  adapter: EmbeddingProvider | undefined;
  redact: Redact;
}

export class Embedder {
  readonly #config: EmbedderSettings;
  readonly #requests: FairSemaphore;
  readonly #providers = new Map<string, Promise<OpenedProvider>>();

  constructor(config: EmbedderSettings) {
    this.#config = config;
    const permits = config.EMBEDDING_CONCURRENCY;
    this.#requests = new FairSemaphore({ permits, reservePercent: 50, maxWaiting: MAX_WAITING });
  }

  /**
   * Throws an EmbeddingError, a SemaphoreFullError if too many requests wait, or the signal's reason. After an error no
   * further request is sent.
   */
  async embed({ provider }: ResolvedModel, call: EmbeddingCall, options: EmbedOptions): Promise<Embeddings> {
    const { adapter, redact } = await this.#open(provider);
    if (adapter === undefined) throw embeddingsUnsupported("The model's provider has no embeddings.", "model");
    const failed = new AbortController();
    const signal = AbortSignal.any([options.signal, failed.signal]);
    const batches = intoBatches(call.inputs, this.#config.EMBEDDING_BATCH_SIZE);
    try {
      const answers = await Promise.all(
        batches.map(async (inputs) => {
          using _permit = await this.#requests.acquire(options.project, signal);
          return await this.#embedBatch(adapter, { ...call, inputs }, { ...options, signal });
        }),
      );
      const vectors = answers.flatMap((answer) => answer.vectors);
      checkVectors(vectors);
      return { vectors, tokens: answers.reduce((sum, { tokens }) => sum + tokens, 0) };
    } catch (error) {
      options.signal.throwIfAborted();
      throw error instanceof EmbeddingError ? error.redacted(redact) : error;
    } finally {
      failed.abort();
    }
  }

  async #embedBatch(
    adapter: EmbeddingProvider,
    call: EmbeddingCall,
    { signal, maxWaitMs, firstBackoffMs = FIRST_BACKOFF_MS }: EmbedOptions,
  ): Promise<Embeddings> {
    for (let retries = 0; ; retries += 1) {
      try {
        return await this.#embedOnce(adapter, call, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof EmbeddingError) || !error.retryable) throw error;
        const backoffMs = Math.random() * Math.min(MAX_BACKOFF_MS, firstBackoffMs * 2 ** retries);
        const waitMs = error.retryAfterMs ?? backoffMs;
        if (retries >= this.#config.UPSTREAM_MAX_RETRIES || waitMs > maxWaitMs) throw error;
        await delay(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    }
  }

  async #embedOnce(adapter: EmbeddingProvider, call: EmbeddingCall, signal: AbortSignal): Promise<Embeddings> {
    const limitMs = this.#config.UPSTREAM_TIMEOUT_MS;
    const timeout = AbortSignal.timeout(limitMs);
    try {
      const answer = await adapter.embed(call, AbortSignal.any([signal, timeout]));
      const [asked, got] = [call.inputs.length, answer.vectors.length];
      if (asked !== got) throw malformedEmbeddings(`${got} vectors for ${asked} inputs`);
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      throw timeout.aborted ? embeddingTimeout(limitMs) : error;
    }
  }

  async #open(provider: Provider): Promise<OpenedProvider> {
    let opened = this.#providers.get(provider.name);
    if (opened === undefined) {
      const { environment } = this.#config;
      opened = openEmbeddingProvider(provider, environment).then((adapter) => ({
        adapter,
        redact: createRedactor(secretsOf(provider, environment), { mark: "[redacted]" }),
      }));
      this.#providers.set(provider.name, opened);
    }
    return await opened;
  }
}

function secretsOf(provider: Provider, environment: Config["environment"]): string[] {
  if (provider.kind === "simulator") return [];
  const key = provider.api_key_env === undefined ? undefined : environment[provider.api_key_env];
  return [...(key ? [key] : []), ...listHeaderSecrets(provider.headers)];
}

function intoBatches(inputs: readonly EmbeddingInput[], size: number): EmbeddingInput[][] {
  const batches: EmbeddingInput[][] = [];
  let characters = Infinity;
  for (const input of inputs) {
    const batch = batches.at(-1);
    const isFull = batch === undefined || batch.length >= size || characters + input.length > MAX_BATCH_CHARACTERS;
    if (isFull) batches.push([input]);
    else batch.push(input);
    characters = (isFull ? 0 : characters) + input.length;
  }
  return batches;
}

function checkVectors(vectors: readonly Float32Array[]): void {
  const dimensions = vectors[0]?.length;
  if (dimensions === 0) throw malformedEmbeddings("a vector is empty");
  for (const vector of vectors) {
    if (vector.length !== dimensions) throw malformedEmbeddings("vectors have different lengths");
    if (!vector.every(Number.isFinite)) throw malformedEmbeddings("a component is no number");
  }
}
