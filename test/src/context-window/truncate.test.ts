/** `truncation: "auto"`: which items are dropped, and which never are. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ContextItem } from "../../../src/context-window/measure.ts";
import { truncateItems } from "../../../src/context-window/truncate.ts";

type Role = "user" | "assistant" | "developer" | "system";
const say = (role: Role, content: string): ContextItem => ({ type: "message", role, content }) as ContextItem;
const call = (call_id: string): ContextItem => ({ type: "function_call", call_id, name: "f", arguments: "{}" });
const output = (call_id: string): ContextItem => ({ type: "function_call_output", call_id, output: "42" });
const thought: ContextItem = { type: "reasoning", summary: [] };

/** Each item costs 10 tokens. */
const truncate = (items: ContextItem[], budget: number) =>
  truncateItems(
    items,
    items.map(() => 10),
    budget,
  );
const [system, first, answer, last] = [
  say("system", "Be brief."),
  say("user", "Hello"),
  say("assistant", "Hi"),
  say("user", "And now?"),
] as const;

describe.each<[string, ContextItem[], number, ContextItem[] | undefined]>([
  ["a fitting context is unchanged", [first, answer, last], 30, [first, answer, last]],
  ["the oldest go first", [first, answer, last], 20, [answer, last]],
  ["the user's last message stays", [first, answer, last, say("assistant", "Well")], 10, [last]],
  ["instructions among the items stay", [system, first, answer, last], 20, [system, last]],
  ["a call takes its output along", [call("a"), first, output("a"), last], 30, [first, last]],
  [
    "a call of the last turn goes with its output",
    [last, call("a"), output("a"), call("b"), output("b")],
    30,
    [last, call("b"), output("b")],
  ],
  ["reasoning goes with its calls", [first, thought, call("a"), output("a"), last], 30, [last]],
  ["reasoning goes without the next user message", [thought, last], 10, [last]],
  [
    "an approval goes with its request",
    [
      { type: "mcp_approval_request", id: "mcpr_1", server_label: "s", name: "n", arguments: "{}" },
      { type: "mcp_approval_response", approval_request_id: "mcpr_1", approve: true },
      last,
    ],
    20,
    [last],
  ],
  ["truncation fails if the last message is too long", [first, last], 9, undefined],
  ["truncation fails if instructions are too long", [system, last], 19, undefined],
  ["without a user's message all may go", [answer, call("a"), output("a")], 0, []],
])("%s", (_name, items, budget, expected) => {
  test("holds", () => {
    expect(truncate(items, budget)).toEqual(expected);
  });
});

const ids = fc.constantFrom("a", "b", "c", "d");
const anyItem: fc.Arbitrary<ContextItem> = fc.oneof(
  fc.constantFrom<Role>("user", "assistant", "developer", "system").map((role) => say(role, "…")),
  ids.map(call),
  ids.map(output),
  fc.constant(thought).map((each) => ({ ...each })),
);
const contexts = fc
  .array(fc.tuple(anyItem, fc.integer({ min: 0, max: 50 })), { maxLength: 30 })
  .map((pairs) => ({ items: pairs.map(([item]) => ({ ...item })), tokens: pairs.map(([, tokens]) => tokens) }));

const sizeOf = (items: readonly ContextItem[], tokens: readonly number[], of: readonly ContextItem[]): number =>
  of.reduce((sum, item) => sum + tokens[items.indexOf(item)]!, 0);
const callOf = (item: ContextItem): unknown => ("call_id" in item ? item.call_id : undefined);

test("truncation fails only when nothing fits, and drops nothing that fits", () => {
  fc.assert(
    fc.property(contexts, fc.integer({ min: 0, max: 800 }), ({ items, tokens }, budget) => {
      const isWhole = truncateItems(items, tokens, budget)?.length === items.length;
      expect(isWhole).toBe(sizeOf(items, tokens, items) <= budget);
      const staying = items.filter((item) => item.type === "message" && /system|developer/.test(item.role));
      const needed = sizeOf(items, tokens, staying);
      const gaveUp = truncateItems(items, tokens, Math.max(budget, needed + 50)) === undefined;
      expect(gaveUp).toBe(false);
    }),
    { numRuns: 1_000 },
  );
});

test("the remaining items fit, keep their order and stay complete", () => {
  fc.assert(
    fc.property(contexts, fc.integer({ min: 0, max: 800 }), ({ items, tokens }, budget) => {
      const left = truncateItems(items, tokens, budget);
      fc.pre(left !== undefined);
      expect(sizeOf(items, tokens, left)).toBeLessThanOrEqual(budget);
      expect(left).toEqual(items.filter((item) => left.includes(item)));
      const lastUser = items.findLast((item) => item.type === "message" && item.role === "user");
      const staying = items.filter((item) => item.type === "message" && /system|developer/.test(item.role));
      expect(left).toEqual(expect.arrayContaining(lastUser === undefined ? staying : [...staying, lastUser]));
      for (const item of left.filter((each) => callOf(each) !== undefined)) {
        const partners = items.filter((each) => callOf(each) === callOf(item));
        expect(partners.every((partner) => left.includes(partner))).toBe(true);
      }
    }),
    { numRuns: 2_000 },
  );
});
