import { expect, test } from "vitest";
import { SlotShares } from "../../../src/concurrency/slot-shares.ts";

/** Takes slots for the project while there is room: all free ones while it is alone, then its share of the reserve. */
function fill(shares: SlotShares, project: string): number {
  let count = 0;
  while (shares.isFull ? shares.mayTakeReserve(project) : true) {
    shares.begin(project);
    count += 1;
  }
  return count;
}

test.each<[string, number, number, number[]]>([
  ["a project alone has all slots, and each next one fewer", 50, 10, [50, 3, 1, 1, 0]],
  ["one slot has one in reserve", 1, 10, [1, 1, 0]],
  ["a part of a slot is rounded up", 11, 10, [11, 1, 1, 0]],
  ["a reserve of half the slots", 4, 50, [4, 1, 1, 0]],
  ["no reserve", 50, 0, [50, 0]],
])("%s", (_name, slots, percent, expected) => {
  const shares = new SlotShares(slots, percent);
  expect(expected.map((_count, index) => fill(shares, `p${index}`))).toEqual(expected);
});

test("an ended run makes room, also for rejected ones", () => {
  const shares = new SlotShares(4, 50);
  expect([fill(shares, "hog"), fill(shares, "b"), fill(shares, "c"), fill(shares, "d")]).toEqual([4, 1, 1, 0]);
  expect(shares.projectsBeyondReserve).toBeUndefined();
  shares.end("b");
  expect(shares.projectsBeyondReserve).toEqual(["hog", "c"]);
  expect(fill(shares, "c")).toBe(0);
  expect(fill(shares, "d")).toBe(1);
});

test("a freed slot goes to the project that runs less", () => {
  const shares = new SlotShares(5, 20);
  for (const project of ["a", "a", "a", "b", "c"]) shares.begin(project);
  expect(shares.projectsRunningAsMuch("a")).toEqual(["a"]);
  expect(shares.projectsRunningAsMuch("b")).toEqual(["a", "b", "c"]);
  shares.end("a");
  shares.end("a");
  shares.end("a");
  expect(shares.projectsRunningAsMuch("b")).toEqual(["b", "c"]);
  expect(shares.isFull).toBe(false);
});
