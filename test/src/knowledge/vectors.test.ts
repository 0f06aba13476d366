import { expect, test } from "vitest";
import type { StoreBlock } from "../../../src/knowledge/loaded-store.ts";
import { multiplyRows } from "../../../src/knowledge/vectors/dot-products.ts";
import {
  decodeVectors,
  encodeVectors,
  MAX_DIMENSIONS,
  quantizeQuery,
  quantizeVectors,
} from "../../../src/knowledge/vectors/quantize.ts";
import { rankByVectors } from "../../../src/knowledge/vectors/rank-vectors.ts";
import { encodeWordBlock, decodeWordBlock } from "../../../src/knowledge/words/word-block.ts";
import { seededRandom } from "../../support/random.ts";
import { clusteredVectors, cosine, exactNeighbours } from "../../support/vectors.ts";

function blocksOf(vectors: readonly Float32Array[], rows = 100): StoreBlock[] {
  const words = decodeWordBlock(encodeWordBlock([]));
  const blocks: StoreBlock[] = [];
  for (let firstChunk = 0; firstChunk < vectors.length; firstChunk += rows) {
    const part = quantizeVectors(vectors.slice(firstChunk, firstChunk + rows), vectors[0]!.length);
    const block = { firstChunk, words, vectors: part };
    const file = { id: "file-1", generation: "g", attributes: {}, blocks: [block], chunks: 0, words: 0, bytes: 0 };
    blocks.push({ file, block, isAllowed: true });
  }
  return blocks;
}

test.each([1, 15, 16, 17, 384, MAX_DIMENSIONS])("products are exact with %i dimensions", (dimensions) => {
  const random = seededRandom(dimensions);
  const vector = (): Float32Array => Float32Array.from({ length: dimensions }, () => random() * 2 - 1);
  // Equal components make the largest sums.
  const rows = [vector(), new Float32Array(dimensions).fill(-1), new Float32Array(dimensions), vector()];
  const quantized = quantizeVectors(rows, dimensions);
  for (const values of [vector(), new Float32Array(dimensions).fill(1)]) {
    const query = quantizeQuery(values);
    const size = query.codes.length;
    const products = rows.map((_, row) =>
      query.codes.reduce((sum, code, i) => sum + code * quantized.codes[row * size + i]!, 0),
    );
    expect([...multiplyRows(query, quantized)]).toEqual(products);
  }
});

test("vectors are decoded as they were encoded", () => {
  const vectors = [Float32Array.of(0.1, -3, 2), Float32Array.of(0, 0, 0)];
  const quantized = quantizeVectors(vectors, 3);
  expect(decodeVectors(encodeVectors(quantized), 2)).toEqual(quantized);
  expect(() => decodeVectors(encodeVectors(quantized), 3)).toThrow("another size");
});

test("the ranking by vectors is almost that by floats", async () => {
  const { vectors, queries } = clusteredVectors({ count: 5_000, queries: 50, dimensions: 384, seed: 7 });
  const blocks = blocksOf(vectors);
  let found = 0;
  for (const query of queries) {
    const ranked = await rankByVectors(blocks, quantizeQuery(query), 10);
    const chunks = ranked.map(({ block, row }) => blocks[block]!.block.firstChunk + row);
    const expected = exactNeighbours(vectors, query, 10);
    found += chunks.filter((chunk) => expected.includes(chunk)).length;
    expect(ranked[0]!.score).toBeCloseTo(cosine(vectors[chunks[0]!]!, query), 2);
  }
  expect(found / (queries.length * 10)).toBeGreaterThan(0.97);
});

test("chunks of other dimensions and of forbidden files are skipped", async () => {
  const [one, two] = [blocksOf([Float32Array.of(1, 0)]), blocksOf([Float32Array.of(1, 0, 0)])];
  const forbidden = blocksOf([Float32Array.of(1, 0)]).map((block) => ({ ...block, isAllowed: false }));
  const ranked = await rankByVectors([...two, ...forbidden, ...one], quantizeQuery(Float32Array.of(2, 0)), 10);
  expect(ranked).toEqual([{ block: 2, row: 0, score: expect.closeTo(1, 3) }]);
});
