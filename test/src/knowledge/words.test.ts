import { expect, test } from "vitest";
import type { StoreBlock } from "../../../src/knowledge/loaded-store.ts";
import { rankByWords } from "../../../src/knowledge/words/rank-words.ts";
import { splitWords } from "../../../src/knowledge/words/split-words.ts";
import { queryTermsOf } from "../../../src/knowledge/words/terms.ts";
import { decodeWordBlock, encodeWordBlock, MAX_BLOCK_CHUNKS } from "../../../src/knowledge/words/word-block.ts";

test.each([
  ["The Lease, renewed.", ["the", "lease", "renewed"]],
  ["Ｆｕｌｌ－ｗｉｄｔｈ ﬁn", ["full", "width", "fin"]],
  ["Crème brûlée", ["creme", "brulee"]],
  ["max_num_results=50", ["max", "num", "results", "50"]],
  ["東京都に住む", ["東京", "都", "に", "住む"]],
  ["ภาษาไทย", ["ภาษา", "ไทย"]],
  ["हिन्दी भाषा", ["हिन्दी", "भाषा"]],
  ["한국어 검색", ["한국어", "검색"]],
  ["ПРИВЕТ, мир", ["привет", "мир"]],
])("%s is split into its words", (text, words) => {
  expect([...splitWords(text)]).toEqual(words);
});

interface Texts {
  chunks: string[];
  isAllowed?: boolean;
}

async function rank(query: string, ...files: Texts[]): Promise<[block: number, row: number, score: number][]> {
  let [chunks, words] = [0, 0];
  const blocks = files.map(({ chunks: texts, isAllowed = true }): StoreBlock => {
    const block = { firstChunk: 0, words: decodeWordBlock(encodeWordBlock(texts)), vectors: undefined };
    chunks += texts.length;
    words += block.words.lengths.reduce((sum, length) => sum + length, 0);
    const file = { id: "f", generation: "g", attributes: {}, blocks: [block], chunks: 0, words: 0, bytes: 0 };
    return { file, block, isAllowed };
  });
  const ranked = await rankByWords({ chunks, words }, blocks, queryTermsOf(query), 100);
  return ranked.map(({ block, row, score }) => [block, row, score]);
}

test("a rare word counts more than a common one", async () => {
  const chunks = ["common rare", "common usual", "common usual", "other"];
  const ranked = await rank("common rare usual", { chunks });
  expect(ranked.map(([, row]) => row)).toEqual([0, 1, 2]);
  for (const [, , score] of ranked) expect(score > 0 && score < 1).toBe(true);
});

test("repetitions raise a score less and less", async () => {
  const [thrice, twice, once] = await rank("word", { chunks: ["word a b", "word word b", "word word word", "a b c"] });
  expect([thrice![1], twice![1], once![1]]).toEqual([2, 1, 0]);
  expect(thrice![2] - twice![2]).toBeLessThan(twice![2] - once![2]);
});

test("forms of a word find each other, below the word itself", async () => {
  const ranked = await rank("replication", { chunks: ["replicate it", "a replication", "nothing"] });
  expect(ranked.map(([, row]) => row)).toEqual([1, 0]);
});

test("files that are not allowed count for frequencies only", async () => {
  const one = await rank("word", { chunks: ["word a"] }, { chunks: ["word a", "word a"], isAllowed: false });
  const alone = await rank("word", { chunks: ["word a"] }, { chunks: ["b a", "b a"], isAllowed: false });
  expect([one.length, alone.length]).toEqual([1, 1]);
  expect(one[0]!.slice(0, 2)).toEqual([0, 0]);
});

test("a full block of long texts is encoded and found", async () => {
  const chunks = Array.from({ length: MAX_BLOCK_CHUNKS }, (_, i) => `only${i} ${"filler ".repeat(300)}`);
  const ranked = await rank(`only${MAX_BLOCK_CHUNKS - 1}`, { chunks });
  expect(ranked[0]!.slice(0, 2)).toEqual([0, MAX_BLOCK_CHUNKS - 1]);
});

test("a query without words finds nothing", async () => {
  expect(await rank("?! …", { chunks: ["one"] })).toEqual([]);
});
