import { expect, test } from "vitest";
import { SendWindows } from "../../../workers/webhooks/send-windows.ts";

const SLOTS = 40;

function fill(windows: SendWindows, endpoint: string): number {
  let begun = 0;
  while (windows.tryBegin(endpoint)) begun += 1;
  return begun;
}

test("a receiver that answers fast may use every slot", () => {
  const windows = new SendWindows(SLOTS);
  for (let i = 0; i < 100; i += 1) {
    expect(windows.tryBegin("fast")).toBe(true);
    windows.end("fast", 20, true);
  }
  expect(fill(windows, "fast")).toBe(SLOTS);
});

test("a silent receiver soon holds one slot", () => {
  const windows = new SendWindows(SLOTS);
  expect(fill(windows, "silent")).toBe(10);
  for (let i = 0; i < 10; i += 1) windows.end("silent", 15_000, false);
  expect(fill(windows, "silent")).toBe(1);
  expect(fill(windows, "other")).toBe(10);
});

test("a slow receiver that answers keeps ten slots", () => {
  const windows = new SendWindows(SLOTS);
  for (let i = 0; i < 100; i += 1) {
    windows.tryBegin("slow");
    windows.end("slow", 20, true);
  }
  windows.tryBegin("slow");
  windows.end("slow", 5_000, true);
  expect(fill(windows, "slow")).toBe(10);
});

test("a receiver that rejects fast holds no slot back", () => {
  const windows = new SendWindows(SLOTS);
  for (let i = 0; i < 20; i += 1) {
    windows.tryBegin("rejecting");
    windows.end("rejecting", 5, false);
  }
  expect(fill(windows, "rejecting")).toBe(30);
});
