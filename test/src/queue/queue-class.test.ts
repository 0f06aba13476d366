import { expect, test } from "vitest";
import type { CreateRequest } from "../../../src/protocol/create-request.ts";
import { queueClassOf, hasWindow, priorityAt } from "../../../src/queue/queue-class.ts";

const NOON_MS = Date.UTC(2027, 0, 1, 12);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const RESERVE_MS = 30 * MINUTE_MS;

type Window = "2h" | "8h";
const windowed = (completion_window: Window, agoMs = 0, reserveMs = RESERVE_MS) =>
  queueClassOf({ background: true, background_options: { completion_window } }, NOON_MS - agoMs, reserveMs);

test.each<[NonNullable<CreateRequest["service_tier"]> | null, number]>([
  ["priority", 1],
  ["fast", 1],
  ["ultrafast", 1],
  ["auto", 2],
  ["default", 2],
  ["scale", 2],
  [null, 2],
  ["flex", 3],
])("service_tier %s has priority %d at any time", (service_tier, priority) => {
  for (const background_options of [undefined, null, {}, { completion_window: "soonest" as const }]) {
    const found = queueClassOf({ background: true, service_tier, background_options }, NOON_MS, RESERVE_MS);
    expect(found).toEqual({ priority, latestStartMs: 0 });
    expect(priorityAt(found, NOON_MS + 9 * HOUR_MS)).toBe(priority);
  }
});

test("flex joins the default tier at its latest start, if it ages", () => {
  const flex = (background: boolean, waitMs: number) =>
    queueClassOf({ background, service_tier: "flex" }, NOON_MS, RESERVE_MS, waitMs);
  const aging = flex(true, HOUR_MS);
  expect(aging).toEqual({ priority: 3, latestStartMs: NOON_MS + HOUR_MS });
  expect(hasWindow(aging)).toBe(false);
  expect(priorityAt(aging, aging.latestStartMs - 1)).toBe(3);
  expect(priorityAt(aging, aging.latestStartMs)).toBe(2);
  for (const never of [flex(true, 0), flex(false, HOUR_MS)]) expect(never.latestStartMs).toBe(0);
  for (const service_tier of ["priority", "default", "auto", null] as const) {
    expect(queueClassOf({ background: true, service_tier }, NOON_MS, RESERVE_MS, HOUR_MS).latestStartMs).toBe(0);
  }
});

test.each<[Window, number]>([
  ["2h", 1.5 * HOUR_MS],
  ["8h", 7.5 * HOUR_MS],
])("%s: behind all tiers until its latest start, then in the default tier", (window, startsInMs) => {
  const found = windowed(window);
  expect(found.latestStartMs).toBe(NOON_MS + startsInMs);
  expect(found.priority).toBeGreaterThan(4);
  expect(priorityAt(found, found.latestStartMs - 1)).toBe(found.priority);
  expect(priorityAt(found, found.latestStartMs)).toBe(2);
});

test("a window with its whole length reserved may start at once", () => {
  expect(windowed("2h", 0, 3 * HOUR_MS).latestStartMs).toBe(NOON_MS);
});

test("an earlier latest start gives a smaller number", () => {
  const inOrder = [
    windowed("2h", HOUR_MS),
    windowed("8h", 6.5 * HOUR_MS),
    windowed("2h"),
    windowed("8h", HOUR_MS),
    windowed("8h"),
  ].map(({ priority }) => priority);
  expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b));
  expect(new Set(inOrder).size).toBe(inOrder.length);
});

test.each([Date.UTC(2020, 0, 1), Date.UTC(2044, 11, 1), Date.UTC(2200, 0, 1)])(
  "at any clock (%d), the number is behind all tiers and valid for BullMQ",
  (nowMs) => {
    const { priority } = queueClassOf({ background: true, background_options: { completion_window: "8h" } }, nowMs, 0);
    expect(priority).toBeGreaterThanOrEqual(5);
    expect(priority).toBeLessThan(2 ** 21);
  },
);
