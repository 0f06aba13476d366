import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ExactIndex } from "../../../src/knowledge/exact-index.ts";
import type { IndexedChunk, SearchQuery } from "../../../src/knowledge/search-index.ts";
import { StoredIndex } from "../../../src/store/search-index/stored-index.ts";
import { startCluster } from "../../support/cluster.ts";
import { chunksOf, openIndex, textsOf } from "../../support/knowledge.ts";
import { openTestStorage, type TestStorage } from "../../support/storage.ts";

const STORE = "vs_1";
const NO_ATTRIBUTES = { attributes: {} };
const byWords = (text: string): SearchQuery => ({ text, maxResults: 10 });
const vector = (...values: number[]): Float32Array => Float32Array.from(values);

async function keysOf({ redis, layout }: TestStorage): Promise<string[]> {
  const keys = await redis.keys(`${layout.prefix}:{vs_*`);
  return keys.map((key) => key.slice(layout.prefix.length + 1)).toSorted();
}

test("a file is found by its words, replaced and removed", async () => {
  await using storage = await openTestStorage();
  const [writer, reader] = [openIndex(storage), openIndex(storage)];
  expect((await reader.search([STORE], byWords("lease"))).hits).toEqual([]);

  await writer.put(STORE, "file-1", {
    attributes: { year: 2024 },
    chunks: chunksOf(["The lease expires.", "A queue."]),
  });
  const [hit] = (await reader.search([STORE], byWords("When does the lease expire?"))).hits;
  expect(hit).toMatchObject({ storeId: STORE, fileId: "file-1", attributes: { year: 2024 }, chunk: { index: 0 } });
  expect(hit!.score).toBeGreaterThan(0);
  expect(hit!.score).toBeLessThanOrEqual(1);

  await writer.put(STORE, "file-1", { ...NO_ATTRIBUTES, chunks: chunksOf(["The lock expires."]) });
  expect(textsOf((await reader.search([STORE], byWords("lease expires"))).hits)).toEqual(["The lock expires."]);
  expect(await writer.size(STORE)).toMatchObject({ chunks: 1, embedding: undefined });

  expect(await writer.removeFile(STORE, "file-1")).toBe(true);
  expect(await writer.removeFile(STORE, "file-1")).toBe(false);
  expect((await reader.search([STORE], byWords("lease expires"))).hits).toEqual([]);
  expect(await writer.size(STORE)).toMatchObject({ chunks: 0, bytes: 0 });
  expect((await keysOf(storage)).filter((key) => key.includes("contents"))).toEqual([]);
});

test("changed attributes filter the next search", async () => {
  await using storage = await openTestStorage();
  const [writer, reader] = [openIndex(storage), openIndex(storage)];
  const filter = { type: "eq", key: "team", value: "red" } as const;
  const search = async () => textsOf((await reader.search([STORE], { ...byWords("plan"), filter })).hits);
  await writer.put(STORE, "file-1", { attributes: { team: "red" }, chunks: chunksOf(["The red plan"]) });
  await writer.put(STORE, "file-2", { attributes: { team: "blue" }, chunks: chunksOf(["The blue plan"]) });
  expect(await search()).toEqual(["The red plan"]);
  expect(await writer.updateAttributes(STORE, "file-2", { team: "red" })).toBe(true);
  expect(await writer.updateAttributes(STORE, "file-3", { team: "red" })).toBe(false);
  expect((await search()).toSorted()).toEqual(["The blue plan", "The red plan"]);
});

test("words and vectors are fused, and each counts alone", async () => {
  await using storage = await openTestStorage();
  const index = openIndex(storage);
  const texts = ["apples and pears", "a fruit salad", "pears in syrup"];
  const vectors = [vector(1, 0, 0), vector(0.9, 0.1, 0), vector(0, 0, 1)];
  await index.put(STORE, "file-1", { ...NO_ATTRIBUTES, embeddingModel: "m", chunks: chunksOf(texts, vectors) });
  const embedding = { model: "m", vector: vector(1, 0.02, 0) };
  const search = async (query: Partial<SearchQuery>) =>
    (await index.search([STORE], { ...byWords("pears"), embedding, ...query })).hits.map(({ chunk, score }) => [
      chunk.index,
      score,
    ]);
  const fused = await search({});
  expect(fused[0]).toEqual([0, expect.closeTo(1, 1)]);
  expect(fused.length).toBe(3);
  const vectorsOnly = await search({ weights: { embedding: 1, text: 0 } });
  expect(vectorsOnly.map(([chunk]) => chunk)).toEqual([0, 1, 2]);
  expect(vectorsOnly[2]![1]).toBeCloseTo(0, 1);
  expect((await search({ weights: { embedding: 0, text: 1 } })).map(([chunk]) => chunk)).toEqual([0, 2]);
  expect(await search({ weights: { embedding: 1, text: 0 }, scoreThreshold: 0.5 })).toHaveLength(2);
  expect(await search({ maxResults: 1 })).toHaveLength(1);
});

test("vectors of another model are not compared", async () => {
  await using storage = await openTestStorage();
  const index = openIndex(storage);
  await index.put(STORE, "file-1", {
    ...NO_ATTRIBUTES,
    embeddingModel: "m",
    chunks: chunksOf(["one"], [vector(1, 0)]),
  });
  const search = (model: string, ...values: number[]) =>
    index.search([STORE], { ...byWords("two"), embedding: { model, vector: vector(...values) } });
  expect((await search("m", 1, 0)).hits).toHaveLength(1);
  expect(await search("other", 1, 0)).toEqual({ hits: [], storesOfOtherModels: [STORE] });
  expect(await search("m", 1, 0, 0)).toEqual({ hits: [], storesOfOtherModels: [STORE] });

  const other = { ...NO_ATTRIBUTES, embeddingModel: "other", chunks: chunksOf(["two"], [vector(1, 0)]) };
  await expect(index.put(STORE, "file-2", other)).rejects.toMatchObject({ code: "embedding_changed" });
  // The only file with vectors may change the model.
  await index.put(STORE, "file-1", other);
  expect((await index.size(STORE)).embedding).toEqual({ model: "other", dimensions: 2 });
});

test("several stores are searched together", async () => {
  await using storage = await openTestStorage();
  const index = openIndex(storage);
  await index.put("vs_a", "file-1", { ...NO_ATTRIBUTES, chunks: chunksOf(["alpha beta gamma delta"]) });
  await index.put("vs_b", "file-1", { ...NO_ATTRIBUTES, chunks: chunksOf(["alpha beta"]) });
  const { hits } = await index.search(["vs_a", "vs_b", "vs_none", "vs_a"], byWords("alpha beta"));
  expect(hits.map(({ storeId }) => storeId)).toEqual(["vs_a", "vs_b"]);
});

test("a file of many blocks is read in order", async () => {
  await using storage = await openTestStorage();
  const index = openIndex(storage);
  const texts = Array.from({ length: 300 }, (_, i) => `chunk ${i} ${i === 150 ? "x".repeat(600_000) : ""}`);
  async function* inBatches() {
    for (let from = 0; from < texts.length; from += 7) {
      const batch: IndexedChunk[] = texts.slice(from, from + 7).map((text, i) => ({
        index: from + i,
        text,
        tokens: 3,
        page: from + i + 1,
        heading: "Top > Below",
      }));
      yield batch;
    }
  }
  const { chunks } = await index.put(STORE, "file-1", { ...NO_ATTRIBUTES, chunks: inBatches() });
  expect(chunks).toBe(300);
  const read = (await Array.fromAsync((await index.read(STORE, "file-1"))!)).flat();
  expect(read.map(({ text }) => text)).toEqual(texts);
  expect(read[299]).toEqual({ index: 299, text: texts[299], tokens: 3, page: 300, heading: "Top > Below" });
  expect((await index.search([STORE], byWords("275"))).hits[0]!.chunk.index).toBe(275);
  expect(await index.read(STORE, "file-2")).toBeUndefined();
});

test("a put that stops half-way changes nothing and expires", async () => {
  await using storage = await openTestStorage();
  const index = openIndex(storage);
  await index.put(STORE, "file-1", { ...NO_ATTRIBUTES, chunks: chunksOf(["old text"]) });
  const before = await index.size(STORE);
  function* brokenOff() {
    yield* chunksOf(Array.from({ length: 200 }, (_, i) => `new text ${i}`));
    throw new Error("killed");
  }
  await expect(index.put(STORE, "file-1", { ...NO_ATTRIBUTES, chunks: brokenOff() })).rejects.toThrow("killed");
  expect(textsOf((await index.search([STORE], byWords("text"))).hits)).toEqual(["old text"]);
  expect(await index.size(STORE)).toEqual(before);
  const contents = (await keysOf(storage)).filter((key) => key.includes("contents"));
  const lifetimes = await Promise.all(contents.map((key) => storage.redis.ttl(`${storage.layout.prefix}:${key}`)));
  expect(lifetimes.filter((seconds) => seconds === -1)).toHaveLength(1);
  expect(lifetimes.filter((seconds) => seconds > 0)).toHaveLength(1);
});

test("staged contents with a missing block are not committed", async () => {
  await using storage = await openTestStorage();
  const index = openIndex(storage);
  async function* expiring() {
    yield* chunksOf(Array.from({ length: 128 }, () => "first block"));
    yield* chunksOf(["second block"]);
    const [contents] = (await keysOf(storage)).filter((key) => key.includes("contents"));
    await storage.redis.del(`${storage.layout.prefix}:${contents}`);
  }
  const putting = index.put(STORE, "file-1", { ...NO_ATTRIBUTES, chunks: expiring() });
  await expect(putting).rejects.toMatchObject({ code: "put_expired" });
  expect(await keysOf(storage)).toEqual([]);
});

test("a store has a maximum of chunks", async () => {
  await using storage = await openTestStorage();
  const stored = new StoredIndex(storage.redis, storage.layout);
  const generation = stored.newGeneration();
  const entry = { generation, blocks: 0, chunks: 99_999, bytes: 0, hasVectors: false };
  const committed = { entry, fields: 0, attributes: "{}", embedding: undefined, maxChunks: 100_000 };
  expect(await stored.commitFile(STORE, "file-big", committed)).toEqual({ kind: "committed" });
  const index = new ExactIndex(stored, 1_000_000);
  const put = (id: string, texts: string[]) => index.put(STORE, id, { ...NO_ATTRIBUTES, chunks: chunksOf(texts) });
  await expect(put("file-2", ["one", "two"])).rejects.toMatchObject({
    code: "store_full",
    message: "A vector store has at most 100000 chunks, and this one has 99999 besides this file.",
  });
  await put("file-2", ["one"]);
  await put("file-2", ["another one"]);
  expect(await index.size(STORE)).toMatchObject({ chunks: 100_000 });
});

test("a dropped store leaves no key but its mark", async () => {
  await using storage = await openTestStorage();
  const index = openIndex(storage);
  for (let i = 0; i < 120; i += 1)
    await index.put(STORE, `file-${i}`, { ...NO_ATTRIBUTES, chunks: chunksOf(["text"]) });
  await index.removeFile(STORE, "file-0");
  expect((await index.search([STORE], byWords("text"))).hits).toHaveLength(10);
  await index.dropStore(STORE);
  expect((await index.search([STORE], byWords("text"))).hits).toEqual([]);
  const late = index.put(STORE, "file-0", { ...NO_ATTRIBUTES, chunks: chunksOf(["text"]) });
  await expect(late).rejects.toMatchObject({ code: "store_dropped" });
  await index.dropStore(STORE);
  expect(await keysOf(storage)).toEqual(["{vs_1}:index"]);
  expect(await storage.redis.ttl(storage.layout.indexKeysOf(STORE)[0])).toBeGreaterThan(0);
});

test("a process that missed more removals than are kept is right", async () => {
  await using storage = await openTestStorage();
  const [writer, reader] = [openIndex(storage), openIndex(storage)];
  const stored = new StoredIndex(storage.redis, storage.layout);
  await writer.put(STORE, "file-kept", { ...NO_ATTRIBUTES, chunks: chunksOf(["kept text"]) });
  await writer.put(STORE, "file-removed", { ...NO_ATTRIBUTES, chunks: chunksOf(["removed text"]) });
  expect((await reader.search([STORE], byWords("text"))).hits).toHaveLength(2);
  await writer.removeFile(STORE, "file-removed");
  const empty = { blocks: 0, chunks: 0, bytes: 0, hasVectors: false };
  for (let i = 0; i < 1_010; i += 1) {
    const entry = { ...empty, generation: stored.newGeneration() };
    const file = { entry, fields: 0, attributes: "{}", embedding: undefined, maxChunks: 10 };
    await stored.commitFile(STORE, `file-${i}`, file);
    await stored.removeFile(STORE, `file-${i}`);
  }
  // A chunk that is no longer there would take the only place.
  const { hits } = await reader.search([STORE], { text: "removed text", maxResults: 1 });
  expect(textsOf(hits)).toEqual(["kept text"]);
  expect(await storage.redis.zcard(storage.layout.indexKeysOf(STORE)[4])).toBe(1_000);
});

test("a store larger than the cache is searched", async () => {
  await using storage = await openTestStorage();
  const index = openIndex(storage, 100);
  await index.put(STORE, "file-1", { ...NO_ATTRIBUTES, chunks: chunksOf(["some text"]) });
  const searches = Array.from({ length: 5 }, () => index.search([STORE], byWords("text")));
  for (const { hits } of await Promise.all(searches)) expect(textsOf(hits)).toEqual(["some text"]);
});

test("a search sees a change that was complete before it", async () => {
  await using storage = await openTestStorage();
  const [writer, reader] = [openIndex(storage), openIndex(storage)];
  const searches: Promise<unknown>[] = [];
  for (let i = 0; i < 50; i += 1) {
    await writer.put(STORE, `file-${i % 7}`, { ...NO_ATTRIBUTES, chunks: chunksOf([`number n${i} text`]) });
    searches.push(reader.search([STORE], byWords("text")));
    const { hits } = await reader.search([STORE], byWords(`n${i}`));
    expect(textsOf(hits)).toContain(`number n${i} text`);
  }
  await Promise.all(searches);
});

test("a search does not join a load that began before the change", async () => {
  await using storage = await openTestStorage();
  const [writer, reader] = [openIndex(storage), openIndex(storage)];
  const put = (i: number) =>
    writer.put(STORE, `file-${i}`, { ...NO_ATTRIBUTES, chunks: chunksOf([`number n${i} text`]) });
  await Promise.all(Array.from({ length: 300 }, (_, i) => put(i)));
  const earlier = reader.search([STORE], byWords("text"));
  await put(300);
  const { hits } = await reader.search([STORE], byWords("n300"));
  expect(textsOf(hits)[0]).toBe("number n300 text");
  await earlier;
});

test("the index works in a cluster", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cluster-"));
  const { nodes, url } = await startCluster(folder);
  try {
    await using storage = await openTestStorage("cluster-test", url, true);
    const index = openIndex(storage);
    for (const store of ["vs_a", "vs_b", "vs_c"]) {
      await index.put(store, "file-1", { ...NO_ATTRIBUTES, chunks: chunksOf(["one text"]) });
      await index.put(store, "file-1", { ...NO_ATTRIBUTES, chunks: chunksOf(["another text"]) });
      expect(textsOf((await index.search([store], byWords("text"))).hits)).toEqual(["another text"]);
      await index.removeFile(store, "file-1");
      await index.dropStore(store);
    }
  } finally {
    for (const node of nodes) await node[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  }
});
