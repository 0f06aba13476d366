/**
 * Items that a client acts on leave the turn whole or not at all. Everything else leaves as it arrives, in the
 * provider's order.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isClientAction } from "../../../src/lifecycle/client-actions.ts";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import { outputItemSchema } from "../../../src/protocol/item.ts";
import { TurnTooLongError } from "../../../workers/turn/held-characters.ts";
import { type EventGroup, ClientCallBuffer } from "../../../workers/turn/client-call-buffer.ts";
import { legalItem } from "../../support/legal-items.ts";
import { messageEvents } from "../../support/samples.ts";

const open = ({ isLive: streamsCalls = false, serverTool = "" } = {}) =>
  new ClientCallBuffer({
    streamsCalls,
    isServerCall: (item) => item.type === "function_call" && item.name === serverTool,
  });

function call(output_index: number, pieces: readonly string[], fields: object = {}): ItemEventDraft[] {
  const item = {
    type: "function_call",
    id: `fc_${output_index}`,
    call_id: `call_${output_index}`,
    name: "f",
    ...fields,
  };
  const at = { item_id: item.id, output_index };
  const json = pieces.join("");
  return [
    { type: "response.output_item.added", output_index, item: { ...item, arguments: "", status: "in_progress" } },
    ...pieces.map((delta) => ({ type: "response.function_call_arguments.delta" as const, ...at, delta })),
    { type: "response.function_call_arguments.done", ...at, arguments: json },
    { type: "response.output_item.done", output_index, item: { status: "completed", ...item, arguments: json } },
  ] as ItemEventDraft[];
}
const message = (index: number, ...words: string[]) => messageEvents(index, words) as ItemEventDraft[];

const feed = (calls: ClientCallBuffer, events: readonly ItemEventDraft[]): EventGroup[] =>
  events.flatMap((event) => calls.accept(event));
const typesOf = (groups: readonly EventGroup[]) => groups.map(({ events }) => events.map(({ type }) => type));
const wholeTypes = [
  "response.output_item.added",
  "response.function_call_arguments.delta",
  "response.function_call_arguments.done",
  "response.output_item.done",
];

test("every published type of item is classified, and an unknown one is held", () => {
  for (const { shape } of outputItemSchema.options) expect(isClientAction(shape.type.value)).toBeTypeOf("boolean");
  expect(isClientAction("hologram_call")).toBe(true);
});

describe("a client's call", () => {
  test("leaves in one piece when done, with one delta", () => {
    const calls = open();
    const events = call(0, ['{"pa', 'th":"/s', 'rv/"}']);
    expect(feed(calls, events.slice(0, -1))).toEqual([]);
    const groups = feed(calls, events.slice(-1));
    expect(typesOf(groups)).toEqual([wholeTypes]);
    expect(groups[0]!.isAtomic).toBe(true);
    expect(groups[0]!.events[1]).toMatchObject({ delta: '{"path":"/srv/"}' });
  });

  test("is dropped if its provider cut it off", () => {
    const calls = open();
    const cut = call(0, ['{"path":"/s'], { status: "incomplete" });
    expect(feed(calls, cut)).toEqual([]);
    expect(feed(calls, message(1, "Bye"))).toHaveLength(message(1, "Bye").length);
  });

  test("holds up later items, and no earlier ones", () => {
    const calls = open();
    const [before, held, behind] = [message(0, "Hi", "!"), call(1, ["{}"]), message(2, "Bye")];
    const groups = feed(calls, [...before.slice(0, 3), held[0]!, behind[0]!, before[3]!]);
    expect(groups.map(({ events }) => events)).toEqual(before.slice(0, 4).map((event) => [event]));
    const rest = feed(calls, [...held.slice(1), ...behind.slice(1)]);
    expect(rest[0]).toEqual({ events: held, isAtomic: true });
    expect(rest.slice(1).flatMap(({ events }) => events)).toEqual(behind);
  });

  test("keeps its position among parallel calls", () => {
    const calls = open();
    const [one, two] = [call(0, ["{}"]), call(1, ["[]"])];
    expect(feed(calls, [one[0]!, ...two])).toEqual([]);
    expect(feed(calls, one.slice(1)).map(({ events }) => events[0])).toEqual([one[0], two[0]]);
  });

  test("is bounded in memory", () => {
    const calls = open();
    feed(calls, call(0, []).slice(0, 1));
    const delta = call(0, ["x".repeat(1024 * 1024)])[1]!;
    expect(() =>
      feed(
        calls,
        Array.from({ length: 20 }, () => delta),
      ),
    ).toThrow(TurnTooLongError);
  });

  test.each([
    ["of a server's tool", { serverTool: "f" }],
    ["of an operator that has calls streamed", { isLive: true }],
  ])("is not held %s", (_name, options) => {
    const events = call(0, ["{", "}"]);
    expect(feed(open(options), events)).toEqual(events.map((event) => ({ events: [event], isAtomic: false })));
  });
});

test("held items leave whole, others event by event, and none is lost or moved", () => {
  fc.assert(
    fc.property(fc.array(legalItem, { maxLength: 5 }), (scripts) => {
      const turn = scripts.flatMap((script, index) => script(index));
      const groups = feed(open(), turn);
      for (const { events, isAtomic } of groups) {
        const item = turn.find((event) => "item" in event && event.output_index === events[0]!.output_index);
        expect(isAtomic).toBe(item !== undefined && "item" in item && isClientAction(item.item.type));
        const ends = isAtomic ? [events[0]!.type, events.at(-1)!.type] : [wholeTypes[0], wholeTypes[3]];
        expect(ends).toEqual([wholeTypes[0], wholeTypes[3]]);
      }
      const isDelta = ({ type }: ItemEventDraft) => type.endsWith(".delta");
      const out = groups.flatMap(({ events }) => events);
      expect(out.filter((event) => !isDelta(event))).toEqual(turn.filter((event) => !isDelta(event)));
      const text = (events: readonly ItemEventDraft[]) =>
        events.map((event) => ("delta" in event ? JSON.stringify(event.delta).slice(1, -1) : "")).join("");
      expect(text(out)).toBe(text(turn));
    }),
  );
});
