/** An item that a lost attempt left open in the log is continued: whatever was told, nothing is told twice, and nothing is lost. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ItemGrammar } from "../../../src/lifecycle/event-grammar/item-grammar.ts";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import { ItemContinuation } from "../../../workers/turn/item-continuation.ts";
import { UnfinishedItem } from "../../../workers/attempt/unfinished-item.ts";
import { moveEvent } from "../../../workers/turn/output-router.ts";
import { legalText } from "../../support/legal-items.ts";
import { messageEvents } from "../../support/samples.ts";

const PLACE = 3;
const RUNS = { numRuns: 500 };

const isDelta = (event: ItemEventDraft): event is Extract<ItemEventDraft, { delta: string }> =>
  event.type.endsWith(".delta");
const joined = (events: readonly ItemEventDraft[]) =>
  events
    .filter(isDelta)
    .map(({ delta }) => delta)
    .join("");

/** The same item, its texts cut into other deltas. `sizes` repeat. */
function rechunked(events: readonly ItemEventDraft[], sizes: readonly number[]): ItemEventDraft[] {
  let at = 0;
  const nextSize = () => sizes[at++ % sizes.length]!;
  const out: ItemEventDraft[] = [];
  let text = "";
  for (const [index, event] of events.entries()) {
    if (!isDelta(event)) {
      out.push(event);
      continue;
    }
    text += event.delta;
    const next = events[index + 1]!;
    if (isDelta(next) && next.type === event.type) continue;
    while (text !== "") {
      const size = nextSize();
      out.push({ ...event, delta: text.slice(0, size) });
      text = text.slice(size);
    }
  }
  return out;
}

function itemOf([added]: readonly ItemEventDraft[]): OutputItem {
  if (added?.type !== "response.output_item.added") throw new Error("The events do not begin with the item.");
  return added.item;
}

interface Outcome {
  kind: "comparing" | "resumed" | "differs";
  events: ItemEventDraft[];
}

/** What of the upstream's events is recorded behind `log`, and under which verdict. */
function run(log: readonly ItemEventDraft[], upstream: readonly ItemEventDraft[]): Outcome {
  const item = itemOf(log);
  const continuation = new ItemContinuation(new UnfinishedItem(PLACE, item, log));
  const recorded: ItemEventDraft[] = [];
  for (const [index, event] of upstream.entries()) {
    const continued = continuation.accept(event);
    if (continued.kind === "differs")
      return { kind: "differs", events: [...continued.events, ...upstream.slice(index + 1)] };
    if (continued.kind === "resumed") recorded.push(...continued.events);
  }
  const events = recorded.map((event) => moveEvent(event, PLACE, item.id));
  return { kind: recorded.length > 0 ? "resumed" : "comparing", events };
}

/** The whole log of the item, which the grammar of items accepts as the place 0. */
function expectLegal(events: readonly ItemEventDraft[]): void {
  const grammar = new ItemGrammar();
  for (const event of events) grammar.accept({ ...event, output_index: 0 });
  grammar.checkAllDone({ type: "end" });
}

describe("a text that was cut off anywhere", () => {
  const cutText = fc.record({
    script: legalText,
    cut: fc.nat(),
    sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
  });

  test("is continued at its place, however the same text is cut into deltas", () => {
    fc.assert(
      fc.property(cutText, ({ script, cut, sizes }) => {
        const whole = script(PLACE);
        const log = whole.slice(0, 1 + (cut % (whole.length - 1)));
        const { kind, events } = run(log, rechunked(script(0), sizes));
        expect(kind).toBe("resumed");
        const all = [...log, ...events];
        expectLegal(all);
        expect(joined(all)).toBe(joined(whole));
        const ends = all.filter(({ type }) => type === "response.output_item.done");
        expect(ends).toEqual([whole.at(-1)]);
      }),
      RUNS,
    );
  });

  test("is continued by an item that comes with its texts whole, without deltas", () => {
    fc.assert(
      fc.property(cutText, ({ script, cut }) => {
        const whole = script(PLACE);
        const log = whole.slice(0, 1 + (cut % (whole.length - 1)));
        const { kind, events } = run(
          log,
          script(0).filter((event) => !isDelta(event)),
        );
        expect(kind).toBe("resumed");
        expectLegal([...log, ...events]);
        expect(events.at(-1)).toEqual(whole.at(-1));
      }),
      RUNS,
    );
  });
});

describe("a message whose log is “Hello, wor”", () => {
  const log = messageEvents(PLACE, ["Hello", ", wor"], "msg_old").slice(0, 4) as ItemEventDraft[];
  const upstream = (...words: string[]) => messageEvents(0, words, "msg_new") as ItemEventDraft[];
  const deltas = (events: readonly ItemEventDraft[]) => events.filter(isDelta).map(({ delta }) => delta);

  test.each<[string, string[], string[]]>([
    ["in the same deltas", ["Hello", ", wor", "ld."], ["ld."]],
    ["in one", ["Hello, world."], ["ld."]],
    ["letter by letter", "Hello, world.".split(""), "ld.".split("")],
    ["and ends where the log does", ["Hello, wor"], []],
  ])("is continued %s", (_name, words, rest) => {
    const { kind, events } = run(log, upstream(...words));
    expect(kind).toBe("resumed");
    expect(deltas(events)).toEqual(rest);
    expect(new Set(events.flatMap((event) => ("item_id" in event ? [event.item_id] : [])))).toEqual(
      new Set(["msg_old"]),
    );
  });

  test.each<[string, ItemEventDraft[]]>([
    ["another text", upstream("Hello", " there")],
    ["one that differs in its last letter", upstream("Hello, wo", "o")],
    ["a shorter one", upstream("Hello")],
    ["none", upstream()],
    [
      "another kind of item",
      [
        {
          type: "response.output_item.added",
          output_index: 0,
          item: { type: "reasoning", id: "rs_1", summary: [], status: "in_progress" },
        },
        ...upstream("Hello, world.").map((event) => ({ ...event, output_index: 1 })),
      ],
    ],
  ])("is not mixed with %s, all of which is kept", (_name, events) => {
    expect(run(log, events)).toEqual({ kind: "differs", events });
  });

  test("keeps back what is begun beside it until it is known what becomes of it", () => {
    const [added, ...rest] = upstream("Hello, world.");
    const beside = messageEvents(1, ["Beside"], "msg_beside") as ItemEventDraft[];
    const continuation = new ItemContinuation(new UnfinishedItem(PLACE, itemOf(log), log));
    const early = [added!, ...beside, rest[0]!].map((event) => continuation.accept(event).kind);
    expect(new Set(early)).toEqual(new Set(["comparing"]));
    const continued = continuation.accept(rest[1]!);
    expect(continued).toMatchObject({ kind: "resumed", output_index: 0 });
    expect("events" in continued && continued.events).toEqual([...beside, { ...rest[1], delta: "ld." }]);
  });

  test("keeps the logprobs of the tokens that are new", () => {
    const logprob = (token: string) => ({ token, logprob: -1, top_logprobs: [] });
    const events = upstream("Hello, world.").map((event) =>
      isDelta(event) ? { ...event, logprobs: ["Hello,", " wor", "ld", "."].map(logprob) } : event,
    ) as ItemEventDraft[];
    const [delta] = run(log, events).events;
    expect(delta).toMatchObject({ delta: "ld.", logprobs: [logprob("ld"), logprob(".")] });
  });
});

describe("a message with citations", () => {
  const cite = (annotation_index: number): ItemEventDraft => ({
    type: "response.output_text.annotation.added",
    item_id: "msg_1",
    output_index: 0,
    content_index: 0,
    annotation_index,
    annotation: { type: "url_citation", url: "https://example.org", title: "", start_index: 0, end_index: 1 },
  });
  const whole = messageEvents(0, ["a", "b", "c"], "msg_1") as ItemEventDraft[];
  const cited = [...whole.slice(0, 3), cite(0), whole[3]!, cite(1), ...whole.slice(4)];

  test.each(cited.slice(1).map((_, i) => i + 1))("has each of them once, cut off after event %i", (cut) => {
    const log = cited.slice(0, cut);
    const all = [...log, ...run(log, cited).events];
    expectLegal(all);
    expect(all.filter(({ type }) => type === "response.output_text.annotation.added")).toHaveLength(2);
    expect(joined(all)).toBe("abc");
  });

  test("gets one that the lost attempt did not know behind the text that was told", () => {
    const log = whole.slice(0, 4);
    const { events } = run(log, cited);
    expect(events.map(({ type }) => type).slice(0, 3)).toEqual([
      "response.output_text.annotation.added",
      "response.output_text.annotation.added",
      "response.output_text.delta",
    ]);
  });
});
