import { describe, expect, test } from "vitest";
import { EventTimes } from "../../../../../src/console/page/run/event-times.ts";

const entry = (sequence_number: number, recorded_at_ms: number) => ({ sequence_number, recorded_at_ms });

describe("the time of an event", () => {
  test("is that of the last entry before it", () => {
    const times = new EventTimes();
    times.add([entry(0, 100), entry(5, 200), entry(9, 350)]);
    expect([0, 4, 5, 8, 9, 1000].map((number) => times.at(number))).toEqual([100, 100, 200, 200, 350, 350]);
  });

  test("is unknown before the first entry", () => {
    const times = new EventTimes();
    expect(times.at(3)).toBeUndefined();
    times.add([entry(4, 100)]);
    expect(times.at(3)).toBeUndefined();
  });

  test("ignores entries that come again", () => {
    const times = new EventTimes();
    times.add([entry(0, 100), entry(5, 200)]);
    times.add([entry(5, 999), entry(7, 300)]);
    expect([times.at(5), times.last]).toEqual([200, 7]);
  });
});

test("a long run's entries are thinned out, oldest and newest kept", () => {
  const times = new EventTimes(100);
  const count = 10_000;
  for (let i = 0; i < count; i += 1) times.add([entry(i * 10, i)]);
  expect(times.at(0)).toBe(0);
  expect(times.at(count * 10)).toBe(count - 1);
  let previous = -1;
  for (let i = 0; i < count; i += 50) {
    const at = times.at(i * 10)!;
    expect(at).toBeLessThanOrEqual(i);
    expect(at).toBeGreaterThanOrEqual(previous);
    previous = at;
  }
  expect(new Set(Array.from({ length: count }, (_, i) => times.at(i * 10))).size).toBeLessThanOrEqual(100);
});
