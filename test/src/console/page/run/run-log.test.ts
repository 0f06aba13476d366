import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GapError, RunLog } from "../../../../../src/console/page/run/run-log.ts";
import { foldEvents } from "../../../../../src/lifecycle/apply-event.ts";
import type { EventDraft, ResponseStreamEvent } from "../../../../../src/protocol/event.ts";
import { sequenceEvents } from "../../../../../src/stream/log/event-log.ts";
import { EVERY_KIND, eventsOf } from "../../../../support/every-item.ts";
import { legalLog } from "../../../../support/legal-logs.ts";
import { sampleResponse } from "../../../../support/samples.ts";
import { createOpeningEvents } from "../../../../../src/lifecycle/new-response.ts";

function numbered(events: readonly EventDraft[]): ResponseStreamEvent[] {
  return sequenceEvents(0, events).map((data): ResponseStreamEvent => JSON.parse(data));
}

function foldAll(events: readonly ResponseStreamEvent[]): RunLog {
  const log = new RunLog();
  for (const event of events) log.add(event);
  return log;
}

/** As JSON has them. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("a run's steps", () => {
  test("are the items that GET shows, after every event", () => {
    fc.assert(
      fc.property(legalLog, fc.nat(), ({ events }, cut) => {
        const some = events.slice(0, 1 + (cut % events.length));
        const log = foldAll(numbered(some));
        const { output, status } = foldEvents(some)!.response;
        const shown = log.steps.map(({ item }) => item);
        // A completed response leaves out what a lost worker left behind.
        const ids = new Set(output.map(({ id }) => id));
        expect(plain(shown.filter(({ id }) => !log.isOver || ids.has(id)))).toEqual(plain(output));
        expect(log.response?.status).toBe(status);
      }),
    );
  });

  test("of every kind of item begin and end at their events", () => {
    const events = numbered([...createOpeningEvents(sampleResponse()), ...eventsOf(EVERY_KIND)]);
    const log = foldAll(events);
    for (const { index, addedAt, doneAt } of log.steps) {
      expect(events[addedAt]).toMatchObject({ type: "response.output_item.added", output_index: index });
      expect(events[doneAt!]).toMatchObject({ type: "response.output_item.done", output_index: index });
    }
    expect(log.steps.length).toBeGreaterThanOrEqual(EVERY_KIND.length);
  });

  test("keep no event, and no item twice", () => {
    fc.assert(
      fc.property(legalLog, ({ events }) => {
        expect(foldAll(numbered(events)).response?.output).toEqual([]);
      }),
    );
  });
});

describe("events", () => {
  const events = numbered([...createOpeningEvents(sampleResponse()), ...eventsOf(["message"])]);

  test("that come again change nothing", () => {
    const log = foldAll(events);
    const before = plain(log.steps);
    log.takeChanges();
    for (const event of events) log.add(event);
    expect(plain(log.steps)).toEqual(before);
    expect(log.takeChanges()).toEqual({ steps: new Set(), response: false });
  });

  test("after a gap are refused", () => {
    const log = foldAll(events.slice(0, 2));
    expect(() => log.add(events[3]!)).toThrow(GapError);
    expect(log.last).toBe(1);
  });

  test("name the steps that they changed", () => {
    const log = new RunLog();
    for (const event of events.slice(0, 2)) log.add(event);
    expect(log.takeChanges()).toEqual({ steps: new Set(), response: true });
    for (const event of events.slice(2)) log.add(event);
    expect(log.takeChanges()).toEqual({ steps: new Set([0]), response: false });
  });
});
