import { expect, test } from "vitest";
import { PASSAGES, QUERIES } from "../../retrieval-quality/judged-set.ts";
import { buildStore, measureQuality } from "../../retrieval-quality/main.ts";
import { ndcg } from "../../retrieval-quality/ndcg.ts";

test("grades name passages", () => {
  const unknown = QUERIES.flatMap(({ grades }) => Object.keys(grades)).filter((id) => !(id in PASSAGES));
  expect(unknown).toEqual([]);
});

test("nDCG is 1 for the best order and falls with the rank", () => {
  const grades = { a: 2, b: 1 };
  expect(ndcg(["a", "b", "c"], grades)).toBe(1);
  expect(ndcg(["c", "a", "b"], grades)).toBeLessThan(ndcg(["a", "c", "b"], grades));
  expect(ndcg(["c"], grades)).toBe(0);
});

test("words alone find most passages, in many languages", async () => {
  expect(await measureQuality(buildStore(undefined))).toBeGreaterThan(0.85);
});
