import { expect, test } from "vitest";
import { BestChunks } from "../../../src/knowledge/ranking/best-chunks.ts";
import { fuseRankings } from "../../../src/knowledge/ranking/fuse-rankings.ts";
import { matchesFilter } from "../../../src/knowledge/ranking/match-filter.ts";
import { type AttributeFilter, attributeFilterSchema } from "../../../src/protocol/attribute-filter.ts";
import { seededRandom } from "../../support/random.ts";

const ATTRIBUTES = { team: "red", year: 2024, draft: false };

test.each<[AttributeFilter, boolean]>([
  [{ type: "eq", key: "team", value: "red" }, true],
  [{ type: "eq", key: "year", value: "2024" }, false],
  [{ type: "eq", key: "none", value: "red" }, false],
  [{ type: "eq", key: "constructor", value: "red" }, false],
  [{ type: "ne", key: "team", value: "red" }, false],
  [{ type: "ne", key: "none", value: "red" }, true],
  [{ type: "gt", key: "year", value: 2024 }, false],
  [{ type: "gte", key: "year", value: 2024 }, true],
  [{ type: "lt", key: "year", value: 2025 }, true],
  [{ type: "lte", key: "year", value: 2023 }, false],
  [{ type: "lt", key: "team", value: "zebra" }, true],
  [{ type: "gt", key: "team", value: 1 }, false],
  [{ type: "lt", key: "none", value: 1 }, false],
  [{ type: "in", key: "team", value: ["blue", "red"] }, true],
  [{ type: "in", key: "year", value: [] }, false],
  [{ type: "nin", key: "team", value: ["blue"] }, true],
  [{ type: "nin", key: "none", value: ["blue"] }, true],
  [
    {
      type: "and",
      filters: [
        { type: "eq", key: "draft", value: false },
        { type: "eq", key: "team", value: "red" },
      ],
    },
    true,
  ],
  [
    {
      type: "or",
      filters: [
        { type: "eq", key: "team", value: "blue" },
        { type: "and", filters: [{ type: "gt", key: "year", value: 2000 }] },
      ],
    },
    true,
  ],
])("%j matches: %s", (filter, expected) => {
  expect(attributeFilterSchema.parse(filter)).toEqual(filter);
  expect(matchesFilter(ATTRIBUTES, filter)).toBe(expected);
});

const nested = (depth: number): unknown =>
  depth === 1 ? { type: "eq", key: "k", value: 1 } : { type: "and", filters: [nested(depth - 1)] };

test.each([
  [{ type: "like", key: "k", value: 1 }],
  [{ type: "gt", key: "k", value: true }],
  [{ type: "in", key: "k", value: "one" }],
  [{ type: "and", filters: [] }],
  [{ type: "eq", key: "k" }],
  [{ type: "eq", key: "k", value: 1, other: 1 }],
  [nested(9)],
])("%j is no filter", (filter) => {
  expect(attributeFilterSchema.safeParse(filter).success).toBe(false);
});

test("filters may be nested eight levels deep", () => {
  expect(attributeFilterSchema.safeParse(nested(8)).success).toBe(true);
});

test("an entry that leads every ranking has the score 1", () => {
  const fused = fuseRankings([
    { weight: 2, entries: ["a", "b"] },
    { weight: 1, entries: ["a", "c"] },
  ]);
  expect(fused.map(({ entry }) => entry)).toEqual(["a", "b", "c"]);
  expect(fused[0]!.score).toBeCloseTo(1, 12);
  expect(fuseRankings([{ weight: 0, entries: ["a"] }])).toEqual([]);
});

test("the best chunks are kept in order", () => {
  const random = seededRandom(3);
  for (const count of [0, 1, 7, 50, 500]) {
    const scores = Array.from({ length: count }, () => Math.floor(random() * 40));
    const best = new BestChunks(20);
    for (const [row, score] of scores.entries()) best.add(0, row, score);
    const expected = scores.toSorted((a, b) => b - a).slice(0, 20);
    expect(best.sorted().map(({ score }) => score)).toEqual(expected);
  }
});
