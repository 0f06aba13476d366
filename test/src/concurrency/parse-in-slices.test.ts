/** Stored JSON equals JSON.parse, and other work gets its turns meanwhile. */
import { expect, test } from "vitest";
import { countRoundsDuring } from "../../support/event-loop-rounds.ts";
import { parseInSlices } from "../../../src/concurrency/parse-in-slices.ts";

/** Distinct names make JSON.parse slow: half a second for these. */
function namesOf(count: number): Record<string, number>[] {
  const fields = (from: number) => Array.from({ length: 9_000 }, (_, i) => [`name_${from + i}`, i] as const);
  return Array.from({ length: count / 9_000 }, (_, i) => Object.fromEntries(fields(i * 9_000)));
}

test("a long text is read in many turns", async () => {
  const written = namesOf(180_000);
  const { value, rounds } = await countRoundsDuring(parseInSlices(JSON.stringify({ response: { tools: written } })));
  expect(value).toEqual({ response: { tools: written } });
  expect(rounds).toBeGreaterThan(5);
});

test.each([
  [
    "an object with more fields than a body may have",
    Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [`n${i}`, i])),
  ],
  [
    "a body of maximum depth inside its record",
    Array.from({ length: 300 }).reduce<unknown>((inner) => [inner, "x".repeat(400)], 1),
  ],
  ["half a character, as written by JSON.stringify", ["\ud800", "x".repeat(100_000), "\udc00"]],
  ["a single string", "x".repeat(100_000)],
])("%s", async (_, value) => {
  expect(await parseInSlices(JSON.stringify(value))).toEqual(value);
});

test("text that is not JSON is rejected, short or long", async () => {
  await expect(parseInSlices("{")).rejects.toThrow(SyntaxError);
  await expect(parseInSlices(`["${"x".repeat(100_000)}"`)).rejects.toThrow("not JSON");
});
