/** Counts the tokens of texts without blocking the event loop. */
import { setImmediate as nextRound } from "node:timers/promises";
import fc from "fast-check";
import o200k from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, test } from "vitest";
import { TokenCounter } from "../../../src/context-window/tokenizer.ts";

const whole = (text: string): number => o200k.countTokens(text, { disallowedSpecial: new Set<string>() });
const count = (text: string, signal?: AbortSignal): Promise<number> => new TokenCounter().countText(text, signal);

const PROSE =
  "The worker's lease waits for 1,234 events; naïvely,\n  it hands over — “again”.\n\nJe n'ai rien à dire…\t";

describe("a text", () => {
  test.each([
    ["", 0],
    ["Hello world", 2],
    ["Tell me a joke.", 5],
    ["tiktoken is great!", 6],
    ["antidisestablishmentarianism", 6],
    ["お誕生日おめでとう", 8],
    ["<|endoftext|>", 7],
  ])("%j has the token count of tiktoken's o200k_base: %i", async (text, tokens) => {
    expect(await count(text)).toBe(tokens);
  });

  test("cut into slices has the tokens of the whole", async () => {
    const words = fc.constantFrom(
      "a",
      "herons",
      " ",
      "\n",
      "  \n",
      "it's",
      "İstanbul",
      "42",
      "…",
      "::",
      "\t",
      "漢字",
      "👩‍👧",
    );
    const texts = fc
      .array(words, { minLength: 4_000, maxLength: 8_000 })
      .map((each) => PROSE.repeat(90) + each.join(" "));
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        expect(await count(text)).toBe(whole(text));
      }),
      { numRuns: 20 },
    );
  });

  test.each([
    ["letters", "a".repeat(20_000)],
    ["spaces", " ".repeat(20_000)],
    ["signs", "=".repeat(20_000)],
    ["surrogate pairs", "𝒳".repeat(10_000)],
  ])("that is one run of %s is counted in pieces, nearly exactly", async (_kind, text) => {
    const exact = whole(text.slice(0, 4_000)) * (text.length / 4_000);
    expect(Math.abs((await count(text)) - exact) / exact).toBeLessThan(0.1);
  });
});

test("beyond the limit is estimated from the counted part", async () => {
  const prose = PROSE.repeat(2_000);
  const counted = await count(prose);
  // As many characters again, which alone would be far fewer tokens.
  const estimated = await new TokenCounter(counted / 4).countText(prose + " ".repeat(prose.length));
  expect(Math.abs(estimated - 2 * counted) / counted).toBeLessThan(0.01);
});

test("the event loop turns once per slice, however many counts run", async () => {
  await count("the vocabulary is loaded");
  const text = PROSE.repeat(2_000);
  let rounds = 0;
  const over = new AbortController();
  const turning = (async () => {
    while (!over.signal.aborted) {
      await nextRound();
      rounds += 1;
    }
  })();
  await Promise.all([count(text), count(text)]);
  over.abort();
  await turning;
  expect(rounds).toBeGreaterThan((2 * text.length) / (4 * 1024) - 2);
});

test("an aborted count stops", async () => {
  const left = new AbortController();
  const counting = count(PROSE.repeat(2_000), left.signal);
  left.abort(new Error("gone"));
  await expect(counting).rejects.toThrow("gone");
});
