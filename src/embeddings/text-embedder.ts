/** Embeds the texts of vector stores and the queries over them with the model of EMBEDDING_MODEL, each text once. */
import { createHash } from "node:crypto";
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import { ConfigurationError } from "../config/configuration-error.ts";
import type { ProviderCatalog, ResolvedModel } from "../providers/catalog.ts";
import type { EmbeddingCache } from "../store/embedding-cache.ts";
import type { Embedder, EmbedOptions } from "./embedder.ts";

type Settings = Pick<Config, "EMBEDDING_MODEL" | "EMBEDDING_CACHE_BYTES" | "EMBEDDING_CACHE_SECONDS">;

/** Undefined without EMBEDDING_MODEL. Throws a ConfigurationError for a model that cannot embed. */
export function resolveEmbeddingModel(
  { EMBEDDING_MODEL: name }: Pick<Config, "EMBEDDING_MODEL">,
  catalog: ProviderCatalog,
): ResolvedModel | undefined {
  if (name === undefined) return undefined;
  const resolved = catalog.resolve(name);
  if (resolved === undefined) throw new ConfigurationError(`EMBEDDING_MODEL: the model '${name}' is not configured.`);
  if (resolved.provider.kind === "anthropic") {
    throw new ConfigurationError(`EMBEDDING_MODEL: the provider '${resolved.provider.name}' has no embeddings.`);
  }
  return resolved;
}

export interface TextEmbedderParts {
  resolved: ResolvedModel;
  embedder: Embedder;
  cache: EmbeddingCache;
  settings: Settings;
  logger: Logger;
}

export class TextEmbedder {
  /** The name that vectors are stored with. Vectors of other names do not compare. */
  readonly model: string;
  readonly #parts: TextEmbedderParts;

  constructor(parts: TextEmbedderParts) {
    this.#parts = parts;
    const { provider, model } = parts.resolved;
    this.model = `${provider.name}/${model}`;
  }

  /** In the order of the texts. Throws as `Embedder.embed` does. */
  async embed(texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]> {
    const hashes = texts.map((text) => this.#hash(text));
    const vectors = new Map<string, Float32Array>();
    for (const [i, vector] of (await this.#readCache(hashes)).entries()) {
      if (vector !== undefined) vectors.set(hashes[i]!, vector);
    }
    const missing = new Map<string, string>();
    for (const [i, hash] of hashes.entries()) if (!vectors.has(hash)) missing.set(hash, texts[i]!);
    if (missing.size > 0) {
      const { embedder, resolved } = this.#parts;
      const inputs = [...missing.values()];
      const embedded = await embedder.embed(resolved, { model: resolved.model, inputs }, options);
      const made = [...missing.keys()].map((hash, i) => ({ hash, vector: embedded.vectors[i]! }));
      for (const { hash, vector } of made) vectors.set(hash, vector);
      await this.#keep(made);
    }
    return hashes.map((hash) => vectors.get(hash)!);
  }

  #hash(text: string): string {
    return createHash("sha256").update(this.model).update("\0").update(text).digest("hex");
  }

  get #isCaching(): boolean {
    return this.#parts.settings.EMBEDDING_CACHE_BYTES > 0;
  }

  /** A cache that cannot be read costs only another call. */
  async #readCache(hashes: readonly string[]): Promise<(Float32Array | undefined)[]> {
    if (!this.#isCaching) return [];
    const { cache, logger } = this.#parts;
    try {
      return await cache.read(hashes);
    } catch (err) {
      logger.warn({ err }, "Could not read kept embeddings");
      return [];
    }
  }

  /** A full Redis rejects the entries, and needs none. */
  async #keep(entries: Parameters<EmbeddingCache["keep"]>[0]): Promise<void> {
    if (!this.#isCaching) return;
    const { cache, logger, settings } = this.#parts;
    try {
      await cache.keep(entries, { seconds: settings.EMBEDDING_CACHE_SECONDS, bytes: settings.EMBEDDING_CACHE_BYTES });
    } catch (err) {
      logger.warn({ err }, "Could not keep embeddings");
    }
  }
}
