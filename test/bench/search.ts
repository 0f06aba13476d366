/**
 * Searching vector stores: the exact index beside sqlite-vec, which also compares with every vector, over the same vectors;
 * the recall of its 8-bit vectors; and the rate at which chunks are indexed.
 */
import { DatabaseSync } from "node:sqlite";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as sqliteVec from "sqlite-vec";
import { ExactIndex } from "../../src/knowledge/exact-index.ts";
import type { IndexedChunk, SearchResult } from "../../src/knowledge/search-index.ts";
import { multiplyRows } from "../../src/knowledge/vectors/dot-products.ts";
import {
  type QuantizedQuery,
  type QuantizedVectors,
  quantizeQuery,
  quantizeVectors,
} from "../../src/knowledge/vectors/quantize.ts";
import { StoredIndex } from "../../src/store/search-index/stored-index.ts";
import { seededRandom } from "../support/random.ts";
import { clusteredVectors, exactNeighbours } from "../support/vectors.ts";
import { besideGiven, compare, type Figure, percentile, takeTurns } from "./figure.ts";
import type { Bench } from "./measurement.ts";
import { type BenchStorage, openBenchStorage } from "./recording.ts";

const DIMENSIONS = 384;
const RESULTS = 10;
const QUERIES = 15;
const TURNS = 3;
const CACHE_BYTES = 512 * 1024 * 1024;
const CHUNKS_PER_FILE = 1_000;
const ONLY_VECTORS = { embedding: 1, text: 0 };
const MODEL = "bench";

export async function measureSearching(bench: Bench): Promise<Figure[]> {
  await using storage = await openBenchStorage(bench.redisUrl, "search");
  return [
    ...(await measureSize(storage, 20_000, 15)),
    ...(await measureSize(storage, 100_000, 60)),
    await measureProducts(),
    await measureIndexing(storage),
  ];
}

async function measureSize(storage: BenchStorage, count: number, targetMs: number): Promise<Figure[]> {
  const storeId = `vs_${count}`;
  const index = openIndex(storage);
  const { vectors, queries } = clusteredVectors({ count, queries: QUERIES, dimensions: DIMENSIONS, seed: count });
  await fill(index, storeId, vectors);
  using database = openSqlite(vectors);
  const bytesBefore = measureMemory();
  const [found] = await searchAll(index, storeId, queries);
  const bytesLoaded = measureMemory() - bytesBefore;
  const turns = await takeTurns(
    TURNS,
    async () => searchSqlite(database, queries),
    async () => (await searchAll(index, storeId, queries))[1],
  );
  const name = `${count.toLocaleString("en")} × ${DIMENSIONS}`;
  return [
    compare({
      name: `search in ${name}, p50`,
      unit: "ms",
      limitName: "sqlite-vec",
      turns,
      of: (times: number[]) => percentile(times, 50),
      target: { kind: "at-most", value: targetMs },
    }),
    besideGiven(`memory of ${name}`, "B/chunk", [bytesLoaded / count], {
      name: "32-bit floats",
      value: DIMENSIONS * 4,
    }),
    besideGiven(`recall@${RESULTS} of ${name}`, "", [measureRecall(found, vectors, queries)], {
      name: "32-bit floats",
      value: 1,
    }),
  ];
}

const openIndex = ({ redis, layout }: BenchStorage): ExactIndex =>
  new ExactIndex(new StoredIndex(redis, layout), CACHE_BYTES);

async function fill(index: ExactIndex, storeId: string, vectors: readonly Float32Array[]): Promise<void> {
  for (let from = 0; from < vectors.length; from += CHUNKS_PER_FILE) {
    const chunks = vectors
      .slice(from, from + CHUNKS_PER_FILE)
      .map((vector, i): IndexedChunk => ({ index: i, text: `chunk ${from + i}`, tokens: 3, vector }));
    await index.put(storeId, `file-${from}`, { attributes: { from }, embeddingModel: MODEL, chunks: [chunks] });
  }
}

/** The first search loads the store. */
async function searchAll(
  index: ExactIndex,
  storeId: string,
  queries: readonly Float32Array[],
): Promise<[results: SearchResult[], times: number[]]> {
  const results: SearchResult[] = [];
  const times: number[] = [];
  for (const vector of queries) {
    const startedMs = performance.now();
    const embedding = { model: MODEL, vector };
    results.push(await index.search([storeId], { text: "", embedding, maxResults: RESULTS, weights: ONLY_VECTORS }));
    times.push(performance.now() - startedMs);
  }
  return [results, times];
}

/** After a collection of garbage. */
function measureMemory(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Compares the first queries only: the exact neighbours take a while in JavaScript. */
function measureRecall(
  results: readonly SearchResult[],
  vectors: readonly Float32Array[],
  queries: readonly Float32Array[],
): number {
  const checked = 10;
  let found = 0;
  for (const [i, query] of queries.slice(0, checked).entries()) {
    const expected = new Set(exactNeighbours(vectors, query, RESULTS));
    found += results[i]!.hits.filter(({ chunk }) => expected.has(Number(chunk.text.split(" ")[1]))).length;
  }
  return found / (checked * RESULTS);
}

function openSqlite(vectors: readonly Float32Array[]): DatabaseSync {
  const database = new DatabaseSync(":memory:", { allowExtension: true });
  database.loadExtension(sqliteVec.getLoadablePath());
  database.exec(`create virtual table chunks using vec0(vector float[${DIMENSIONS}] distance_metric=cosine)`);
  const insert = database.prepare("insert into chunks(rowid, vector) values (?, ?)");
  database.exec("begin");
  for (const [i, vector] of vectors.entries()) insert.run(BigInt(i), new Uint8Array(vector.buffer));
  database.exec("commit");
  return database;
}

function searchSqlite(database: DatabaseSync, queries: readonly Float32Array[]): number[] {
  const search = database.prepare(`select rowid from chunks where vector match ? and k = ${RESULTS}`);
  return queries.map((query) => {
    const startedMs = performance.now();
    search.all(new Uint8Array(query.buffer));
    return performance.now() - startedMs;
  });
}

const ROWS = 128;
const BLOCKS = 200;

/** The WebAssembly module beside the same loop in JavaScript. */
async function measureProducts(): Promise<Figure> {
  const { vectors, queries } = clusteredVectors({ count: ROWS, queries: 1, dimensions: DIMENSIONS, seed: 1 });
  const rows = quantizeVectors(vectors, DIMENSIONS);
  const query = quantizeQuery(queries[0]!);
  const rateOf = async (multiply: (query: QuantizedQuery, rows: QuantizedVectors) => Int32Array): Promise<number> => {
    const startedMs = performance.now();
    for (let block = 0; block < BLOCKS; block += 1) multiply(query, rows);
    return (ROWS * BLOCKS * 1_000) / (performance.now() - startedMs);
  };
  const inJavaScript = async () => await rateOf(multiplyInJavaScript);
  const inWebAssembly = async () => await rateOf(multiplyRows);
  await takeTurns(3, inJavaScript, inWebAssembly);
  return compare({
    name: `dot products of ${DIMENSIONS} components`,
    unit: "1/s",
    limitName: "in JavaScript",
    turns: await takeTurns(9, inJavaScript, inWebAssembly),
    of: (rate) => rate,
  });
}

function multiplyInJavaScript({ codes: query }: QuantizedQuery, { codes, scales }: QuantizedVectors): Int32Array {
  const products = new Int32Array(scales.length);
  for (let row = 0; row < products.length; row += 1) {
    let sum = 0;
    const from = row * query.length;
    for (let i = 0; i < query.length; i += 1) sum += query[i]! * codes[from + i]!;
    products[row] = sum;
  }
  return products;
}

const INDEXED = 2_000;
const WORDS_PER_CHUNK = 600;

/** Chunks of about 800 tokens whose words are as frequent as those of a language. */
async function measureIndexing(storage: BenchStorage): Promise<Figure> {
  const random = seededRandom(1);
  const word = (): string => `word${Math.floor(50_000 ** random())}`;
  const texts = Array.from({ length: INDEXED }, () => Array.from({ length: WORDS_PER_CHUNK }, word).join(" "));
  const chunks = texts.map((text, index): IndexedChunk => ({ index, text, tokens: 800 }));
  const index = openIndex(storage);
  const rates: number[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const startedMs = performance.now();
    await index.put("vs_words", `file-${turn}`, { attributes: {}, chunks: [chunks] });
    rates.push((INDEXED / (performance.now() - startedMs)) * 1_000);
  }
  const { bytes } = await index.size("vs_words");
  const name = `chunks of ${WORDS_PER_CHUNK} words indexed, in ${Math.round(bytes / INDEXED / 3)} B of Redis each`;
  return besideGiven(name, "1/s", rates, { name: "needed", value: 100 }, { kind: "ratio-at-least", value: 1 });
}
