import { afterAll, beforeEach, expect, test } from "vitest";
import { Embedder } from "../../../src/embeddings/embedder.ts";
import { resolveEmbeddingModel, TextEmbedder } from "../../../src/embeddings/text-embedder.ts";
import { readConfig } from "../../../src/config/config.ts";
import { readProviderCatalog } from "../../../src/providers/catalog.ts";
import { startEmbeddingServer, vectorOf } from "../../support/embedding-server.ts";
import { openTestStorage, silentLogger, type TestStorage } from "../../support/storage.ts";
import { answerError } from "../../support/upstream-server.ts";

const upstream = await startEmbeddingServer();
afterAll(async () => await upstream[Symbol.asyncDispose]());
beforeEach(() => {
  upstream.requests.length = 0;
  upstream.failures.length = 0;
});

const options = { project: "p", signal: new AbortController().signal, maxWaitMs: 60_000, firstBackoffMs: 1 };

function open({ embeddingCache: cache }: TestStorage, settings: NodeJS.ProcessEnv = {}): TextEmbedder {
  const environment = { OPENAI_BASE_URL: upstream.url, EMBEDDING_MODEL: "openai/m", ...settings };
  const config = readConfig(environment);
  const resolved = resolveEmbeddingModel(config, readProviderCatalog(config))!;
  const parts = { resolved, embedder: new Embedder(config), cache, settings: config, logger: silentLogger };
  return new TextEmbedder(parts);
}

const asked = (): unknown[] => upstream.requests.map(({ body }) => body["input"]);

test("each text is embedded once, by any process", async () => {
  await using storage = await openTestStorage();
  expect(await open(storage).embed(["a", "b", "a"], options)).toEqual(
    ["a", "b", "a"].map((text) => Float32Array.from(vectorOf(text))),
  );
  expect((await open(storage).embed(["b", "c"], options)).map((vector) => [...vector])).toEqual([
    vectorOf("b"),
    vectorOf("c"),
  ]);
  expect(asked()).toEqual([["a", "b"], ["c"]]);
  // Another model's vectors are others.
  await open(storage, { EMBEDDING_MODEL: "openai/n" }).embed(["a"], options);
  expect(asked()).toHaveLength(3);
});

test("the oldest embeddings leave when the bytes are used up", async () => {
  await using storage = await openTestStorage();
  // A vector has 12 bytes, and each of 16 shards holds 60.
  const embedder = open(storage, { EMBEDDING_CACHE_BYTES: String(16 * 60) });
  const texts = Array.from({ length: 300 }, (_, i) => `text ${i}`);
  for (let from = 0; from < texts.length; from += 20) await embedder.embed(texts.slice(from, from + 20), options);
  let entries = 0;
  for (const digit of "0123456789abcdef") {
    const [vectors, times] = storage.layout.embeddingShard(digit);
    const count = await storage.redis.zcard(times);
    expect(await storage.redis.hlen(vectors)).toBe(count + 1);
    expect(Number(await storage.redis.hget(vectors, "bytes"))).toBe(count * 12);
    expect(await storage.redis.ttl(vectors)).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(5);
    entries += count;
  }
  expect(entries).toBeGreaterThan(60);
});

test("without bytes nothing is kept", async () => {
  await using storage = await openTestStorage();
  const embedder = open(storage, { EMBEDDING_CACHE_BYTES: "0" });
  await embedder.embed(["a"], options);
  await embedder.embed(["a"], options);
  expect(asked()).toHaveLength(2);
  expect(await storage.redis.keys(`${storage.layout.prefix}:{embeddings*`)).toEqual([]);
});

test("a rate limit is waited for, up to the caller's time", async () => {
  await using storage = await openTestStorage();
  const limited = answerError(429, { message: "slow down" }, { "retry-after-ms": "30" });
  upstream.failures.push(limited, limited);
  const [vector] = await open(storage).embed(["a"], options);
  expect([...vector!]).toEqual(vectorOf("a"));
  upstream.failures.push(limited);
  const impatient = open(storage).embed(["b"], { ...options, maxWaitMs: 20 });
  await expect(impatient).rejects.toMatchObject({ isRateLimit: true, retryAfterMs: 30 });
});

test("an aborted caller gets the reason, and no request follows", async () => {
  await using storage = await openTestStorage();
  const aborting = new AbortController();
  upstream.failures.push(() => aborting.abort(new Error("stopped")));
  const texts = Array.from({ length: 1_000 }, (_, i) => `text ${i}`);
  const embedding = open(storage, { EMBEDDING_CONCURRENCY: "1" }).embed(texts, { ...options, signal: aborting.signal });
  await expect(embedding).rejects.toThrow("stopped");
  expect(upstream.requests).toHaveLength(1);
});

test.each([
  ["nowhere", "EMBEDDING_MODEL: the model 'nowhere' is not configured."],
  ["anthropic/m", "EMBEDDING_MODEL: the provider 'anthropic' has no embeddings."],
])("the model %s is a configuration error", (EMBEDDING_MODEL, message) => {
  const config = readConfig({ EMBEDDING_MODEL, ANTHROPIC_API_KEY: EMBEDDING_MODEL.includes("/") ? "key" : "" });
  expect(() => resolveEmbeddingModel(config, readProviderCatalog(config))).toThrow(message);
});
