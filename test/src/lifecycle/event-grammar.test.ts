import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldEvents, IllegalEventError } from "../../../src/lifecycle/apply-event.ts";
import { EventGrammar } from "../../../src/lifecycle/event-grammar.ts";
import { createCompletedEvent, createInProgressEvent } from "../../../src/lifecycle/lifecycle-events.ts";
import { createOpeningEvents } from "../../../src/lifecycle/new-response.ts";
import { type EventDraft, responseStreamEventSchema } from "../../../src/protocol/event.ts";
import { responseSchema } from "../../../src/protocol/response.ts";
import { type LegalLog, legalLog } from "../../support/legal-logs.ts";
import { messageEvents, sampleResponse, USAGE } from "../../support/samples.ts";

/** Throws unless the log is legal and complete. */
function judge(events: readonly EventDraft[]): void {
  const grammar = new EventGrammar();
  for (const event of events) grammar.accept(event);
  if (!grammar.hasEnded) throw new IllegalEventError(events.at(-1)!, "the log has no end.");
}

function isLegal(events: readonly EventDraft[]): boolean {
  try {
    judge(events);
    return true;
  } catch (error) {
    if (error instanceof IllegalEventError) return false;
    throw error;
  }
}

const RUNS = { numRuns: 150 };

describe("a legal log", () => {
  test("is accepted event by event, and folds to a valid response everywhere", () => {
    fc.assert(
      fc.property(legalLog, fc.nat(), ({ events }, cut) => {
        judge(events);
        for (const [sequence_number, event] of events.entries()) {
          const numbered = { ...event, sequence_number };
          expect(responseStreamEventSchema.parse(numbered)).toEqual(numbered);
        }
        const { response } = foldEvents(events.slice(0, 1 + (cut % events.length)))!;
        expect(responseSchema.parse(response)).toEqual(response);
      }),
      RUNS,
    );
  });

  test("folds in two parts as at once", () => {
    fc.assert(
      fc.property(legalLog, fc.nat(), ({ events }, cut) => {
        const at = cut % (events.length + 1);
        expect(foldEvents(events.slice(at), foldEvents(events.slice(0, at)))).toEqual(foldEvents(events));
      }),
      RUNS,
    );
  });

  test("folds to its terminal event's response, and its items to that output", () => {
    fc.assert(
      fc.property(legalLog, ({ events }) => {
        const last = events.at(-1) as Extract<EventDraft, { type: "response.completed" }>;
        expect(foldEvents(events)!.response).toEqual(last.response);
        const { output } = foldEvents(events.slice(0, -1))!.response;
        const expected = output.filter((item) => last.response.output.some(({ id }) => id === item.id));
        expect(expected).toEqual(last.response.output);
        for (const item of output) expect(expected.includes(item) || item.status === "incomplete").toBe(true);
      }),
      RUNS,
    );
  });

  test("is legal under its own sequence numbers only", () => {
    fc.assert(
      fc.property(legalLog, fc.nat(), ({ events }, at) => {
        const numbered = events.map((event, sequence_number) => ({ ...event, sequence_number }));
        judge(numbered);
        const index = at % (numbered.length - 1);
        expect(() => judge(numbered.toSpliced(index, 1, numbered[index]!, numbered[index]!))).toThrow(
          "sequence_number",
        );
        expect(() => judge(numbered.toSpliced(index, 1))).toThrow("sequence_number");
      }),
      RUNS,
    );
  });

  test("contains every event type that this server sends", () => {
    const logs = fc.sample(legalLog, { numRuns: 600, seed: 7 });
    const types = new Set<string>(logs.flatMap(({ events }) => events.map((event) => event.type)));
    const known = responseStreamEventSchema.options.flatMap((family) =>
      family.options.map((option) => option.shape.type.value as string),
    );
    expect(known).toHaveLength(59);
    const missing = known.filter((type) => !types.has(type));
    expect(missing.sort()).toEqual([
      "error",
      "response.audio.delta",
      "response.audio.done",
      "response.audio.transcript.delta",
      "response.audio.transcript.done",
    ]);
  });
});

/** For a counterexample: one event per line, without the responses, which do not affect the order. */
function describeLog(events: readonly EventDraft[]): string {
  const lines = events.map((event) => JSON.stringify({ ...event, response: undefined }));
  return lines.join("\n");
}

type Fields = Record<string, unknown>;
const outputIndexOf = (event: EventDraft) => (event as Fields)["output_index"] as number | undefined;
const isDelta = (event: EventDraft) => event.type.endsWith(".delta");
const deltaOf = (event: EventDraft) => (event as Fields)["delta"] as string;
const isOutputOfShell = (event: EventDraft) => event.type.startsWith("response.shell_call_output_content.");

/** Finds positions where an event could be missing, doubled or swapped without breaking a rule. */
class Freedoms {
  readonly #log: LegalLog;
  constructor(log: LegalLog) {
    this.#log = log;
  }

  #isInsideOfCut(event: EventDraft): boolean {
    const outputIndex = outputIndexOf(event);
    return (
      outputIndex !== undefined && this.#log.cut.has(outputIndex) && !event.type.startsWith("response.output_item.")
    );
  }

  /** Deltas of the text that `event` belongs to, which end at its `done`. */
  #run(index: number): EventDraft[] {
    const { events } = this.#log;
    const name = events[index]!.type.replace(/\.(delta|done)$/, ".delta");
    const isOther = (event: EventDraft) => event.type !== name;
    const from = events.findLastIndex((event, i) => i < index && isOther(event) && !isAnnotation(event)) + 1;
    const length = events.slice(from).findIndex((event, i) => from + i >= index && isOther(event));
    return events.slice(from, from + length + 1).filter((event) => event.type === name);
  }

  mayBeGone(index: number): boolean {
    const { events } = this.#log;
    const event = events[index]!;
    if (this.#isInsideOfCut(event) || isOutputOfShell(event)) return true;
    switch (event.type) {
      case "response.in_progress":
        // An item that fails may never have begun.
        return index === 2 && events.length === 4 && events.at(-1)!.type === "response.failed";
      case "response.compaction.compacting":
      case "response.mcp_call.in_progress":
        return true;
      case "response.output_text.annotation.added":
      case "response.image_generation_call.partial_image":
        return events[index + 1]!.type !== event.type;
      case "response.function_call_arguments.done":
      case "response.custom_tool_call_input.done":
      case "response.mcp_call_arguments.done":
        return this.#run(index).length === 0;
      default:
        return isDelta(event) && (deltaOf(event) === "" || this.#run(index).length === 1);
    }
  }

  mayBeThereTwice(index: number): boolean {
    const event = this.#log.events[index]!;
    if (event.type === "response.mcp_call.in_progress") return true;
    if (!isDelta(event)) return false;
    return this.#isInsideOfCut(event) || isOutputOfShell(event) || deltaOf(event) === "";
  }

  maySwap(index: number): boolean {
    const [first, second] = [this.#log.events[index]!, this.#log.events[index + 1]!];
    if (isDeepStrictEqual(first, second)) return true;
    const types = [first.type, second.type];
    if (types.includes("response.mcp_call.in_progress")) return true;
    // Two items may be open at a time.
    if (first.type === "response.output_item.done" && second.type === "response.output_item.added") return true;
    if (isDelta(first) && isAnnotation(second)) return true;
    if (!isDelta(first) || !isDelta(second)) return false;
    if (isOutputOfShell(first) || this.#isInsideOfCut(first)) return true;
    return deltaOf(first) + deltaOf(second) === deltaOf(second) + deltaOf(first);
  }
}

const isAnnotation = (event: EventDraft) => event.type === "response.output_text.annotation.added";

const INDEX_FIELDS = [
  "output_index",
  "content_index",
  "summary_index",
  "annotation_index",
  "command_index",
  "partial_image_index",
];

describe("a log with one error is rejected:", () => {
  /** `mutate` returns undefined for a log that cannot have this error. */
  function expectRejected(mutate: (log: LegalLog, index: number) => EventDraft[] | undefined): void {
    fc.assert(
      fc.property(legalLog, fc.nat(), (log, at) => {
        const wrong = mutate(log, at % log.events.length);
        fc.pre(wrong !== undefined);
        expect(isLegal(wrong), `accepted:\n${describeLog(wrong)}`).toBe(false);
      }),
      { numRuns: 500, maxSkipsPerRun: 1_000 },
    );
  }

  test("a missing event", () => {
    expectRejected((log, i) => (new Freedoms(log).mayBeGone(i) ? undefined : log.events.toSpliced(i, 1)));
  });

  test("a doubled event", () => {
    expectRejected((log, i) =>
      new Freedoms(log).mayBeThereTwice(i) ? undefined : log.events.toSpliced(i, 0, log.events[i]!),
    );
  });

  test("two events in the wrong order", () => {
    expectRejected((log, i) => {
      const { events } = log;
      if (i + 1 >= events.length || new Freedoms(log).maySwap(i)) return undefined;
      return events.toSpliced(i, 2, events[i + 1]!, events[i]!);
    });
  });

  test.each(INDEX_FIELDS)("a wrong %s", (field) => {
    expectRejected(({ events }, at) => {
      const i = events.findIndex((event, index) => index >= at && field in event);
      if (i < 0) return undefined;
      const event = events[i] as unknown as Fields;
      return events.with(i, { ...event, [field]: (event[field] as number) + 1 } as unknown as EventDraft);
    });
  });

  test.each(["item_id", "item", "response"])("a wrong id in %s", (field) => {
    expectRejected(({ events }, at) => {
      const i = events.findIndex((event, index) => index >= at && field in event);
      if (i < 0) return undefined;
      const event = events[i] as unknown as Fields;
      const value = event[field];
      const wrong = typeof value === "string" ? `${value}x` : { ...(value as object), id: "wrong_1" };
      return events.with(i, { ...event, [field]: wrong } as unknown as EventDraft);
    });
  });
});

describe("the error names the rule:", () => {
  const opening = createOpeningEvents(sampleResponse());
  const { response } = opening[0]!;
  const started = createInProgressEvent(response);
  const items = messageEvents(0, ["a", "b"]);
  const output = foldEvents([...opening, started, ...items])!.response.output;
  const completed = createCompletedEvent(started.response, { output, usage: USAGE }, 1_700_000_009);
  const log: EventDraft[] = [...opening, started, ...items, completed];

  test.each<[string, EventDraft[]]>([
    ["response.created: does not come when the log is running.", log.toSpliced(3, 0, opening[0]!)],
    ["response.queued: does not come when the log is start.", log.slice(1)],
    ["response.in_progress: response.queued comes first.", log.toSpliced(1, 1)],
    ["response.output_item.added: items come after response.in_progress.", log.toSpliced(2, 1)],
    ["response.completed: the item", log.toSpliced(-2, 1)],
    [
      "response.completed: the item",
      [...log.slice(0, -1), createCompletedEvent(started.response, { output: [], usage: USAGE }, 9)],
    ],
    ["response.output_text.delta: there is no open part at this index.", log.toSpliced(4, 1)],
    ["response.output_text.done: the text is not what was streamed.", log.toSpliced(5, 1)],
    ["response.content_part.done: the text was not finished before.", log.toSpliced(7, 1)],
    ["response.completed: nothing comes after the terminal event.", [...log, completed]],
    [
      "error: is never sent: a failure is response.failed alone.",
      [...log.slice(0, 4), { type: "error", code: null, message: "m", param: null }],
    ],
  ])("%s", (rule, events) => {
    expect(() => judge(events)).toThrow(rule);
  });

  test("an event that only a provider sends is legal only in its item", () => {
    const vendorEvent = { type: "response.vendor.delta", output_index: 0, delta: "x" } as unknown as EventDraft;
    expect(() => judge(log.toSpliced(4, 0, vendorEvent))).not.toThrow();
    expect(() => judge(log.toSpliced(3, 0, vendorEvent))).toThrow("is not open");
  });
});
