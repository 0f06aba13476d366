import fc from "fast-check";
import { expect, test } from "vitest";
import { FairSemaphore, SemaphoreFullError, type Permit } from "../../../src/concurrency/fair-semaphore.ts";

/** A semaphore whose calls are named by project and number: `a1`, `a2`, `b1`. */
class Calls {
  readonly semaphore: FairSemaphore;
  /** In the order in which they got permits. */
  readonly entered: string[] = [];
  readonly rejected: string[] = [];
  readonly permits = new Map<string, Permit>();
  readonly #aborters = new Map<string, AbortController>();

  constructor(semaphore: FairSemaphore) {
    this.semaphore = semaphore;
  }

  /** Resolves once all immediate reactions have run. */
  async enter(...names: string[]): Promise<void> {
    for (const name of names) {
      const aborter = new AbortController();
      this.#aborters.set(name, aborter);
      void this.semaphore.acquire(name[0]!, aborter.signal).then(
        (permit) => {
          this.entered.push(name);
          this.permits.set(name, permit);
        },
        (error: unknown) =>
          void this.rejected.push(error instanceof SemaphoreFullError ? `${name} full` : `${name} stopped`),
      );
    }
    await settled();
  }

  async leave(...names: string[]): Promise<void> {
    for (const name of names) {
      this.permits.get(name)!.release();
      this.permits.delete(name);
      await settled();
    }
  }

  async abort(...names: string[]): Promise<void> {
    for (const name of names) this.#aborters.get(name)!.abort(new Error("stopped"));
    await settled();
  }
}

/** Lets every resolved promise run its reactions, and theirs. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

const names = (project: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${project}${i + 1}`);

test.each<[string, number, number, string[], string[]]>([
  ["a project alone has all permits", 4, 10, names("a", 6), ["a1", "a2", "a3", "a4"]],
  ["the next one has the reserve's permit", 4, 10, [...names("a", 6), "b1", "b2"], ["a1", "a2", "a3", "a4", "b1"]],
  ["one permit has one in reserve", 1, 10, ["a1", "a2", "b1", "c1"], ["a1", "b1"]],
  ["the reserve is shared too", 2, 100, [...names("a", 4), ...names("b", 4), "c1"], ["a1", "a2", "b1", "c1"]],
  ["no reserve", 2, 0, ["a1", "a2", "a3", "b1"], ["a1", "a2"]],
])("%s", async (_name, permits, reservePercent, calls, expected) => {
  const queue = new Calls(new FairSemaphore({ permits, reservePercent }));
  await queue.enter(...calls);
  expect(queue.entered).toEqual(expected);
  expect(queue.semaphore.waiting).toBe(calls.length - expected.length);
});

test.each<[string, number, string[], string[], string[]]>([
  [
    "a freed permit goes to the project with fewest",
    3,
    [...names("a", 5), ...names("b", 3)],
    ["a1", "a2", "a3"],
    ["b1", "b2", "a4"],
  ],
  ["calls of one project keep their order", 1, names("a", 4), ["a1", "a2", "a3"], ["a2", "a3", "a4"]],
  [
    "with one permit, projects take turns, however many calls wait",
    1,
    [...names("a", 4), ...names("b", 2), "c1"],
    ["a1", "b1", "c1", "a2", "b2"],
    ["b1", "c1", "a2", "b2", "a3"],
  ],
])("%s", async (_name, permits, calls, ends, expected) => {
  const queue = new Calls(new FairSemaphore({ permits, reservePercent: 0 }));
  await queue.enter(...calls);
  queue.entered.length = 0;
  await queue.leave(...ends);
  expect(queue.entered).toEqual(expected);
});

test("a project that keeps calling does not overtake a waiting one", async () => {
  const queue = new Calls(new FairSemaphore({ permits: 1, reservePercent: 0 }));
  await queue.enter("a1", "b1");
  for (const [ends, comes] of [
    ["a1", "c1"],
    ["b1", "d1"],
    ["c1", "b2"],
    ["d1", "a2"],
  ] as const) {
    await queue.enter(comes);
    await queue.leave(ends);
  }
  expect(queue.entered).toEqual(["a1", "b1", "c1", "d1", "b2"]);
});

test("an aborted call leaves the queue; one with a permit keeps it until release", async () => {
  const queue = new Calls(new FairSemaphore({ permits: 1, reservePercent: 0 }));
  await queue.enter("a1", "a2", "b1");
  await queue.abort("b1", "a1");
  expect(queue.rejected).toEqual(["b1 stopped"]);
  expect(queue.semaphore.waiting).toBe(1);
  await queue.leave("a1");
  expect(queue.entered).toEqual(["a1", "a2"]);
  const before = AbortSignal.abort(new Error("stopped before"));
  await expect(queue.semaphore.acquire("c", before)).rejects.toThrow("stopped before");
});

test("a permit released twice is free once", async () => {
  const queue = new Calls(new FairSemaphore({ permits: 2, reservePercent: 0 }));
  await queue.enter("a1", "a2", "a3", "a4");
  const permit = queue.permits.get("a1")!;
  permit.release();
  permit.release();
  await settled();
  expect(queue.entered).toEqual(["a1", "a2", "a3"]);
});

test.each<[number, string[], string[]]>([
  [4, [...names("a", 5), "b1", "b2", "a6", "b3"], ["a4", "a5", "a6", "b3"]],
  [3, [...names("a", 5), "b1", "b2"], ["a4", "a5", "b2"]],
])("a queue of %i replaces the biggest project's newest call with a smaller project's", async (...row) => {
  const [maxWaiting, calls, rejected] = row;
  const queue = new Calls(new FairSemaphore({ permits: 1, reservePercent: 0, maxWaiting }));
  await queue.enter(...calls);
  expect(queue.rejected.toSorted()).toEqual(rejected.map((name) => `${name} full`));
  expect(queue.semaphore.waiting).toBe(maxWaiting);
});

type Step = { kind: "enter"; project: string } | { kind: "leave" | "abort"; which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("enter" as const), project: fc.constantFrom("a", "b", "c", "d") }),
  fc.record({ kind: fc.constantFrom("leave" as const, "abort" as const), which: fc.nat() }),
);

test("permits are never exceeded, never idle while calls wait, and fair", async () => {
  const settings = fc.record({ permits: fc.integer({ min: 1, max: 4 }), reservePercent: fc.constantFrom(0, 10, 100) });
  await fc.assert(
    fc.asyncProperty(settings, fc.array(step, { maxLength: 60 }), async ({ permits, reservePercent }, steps) => {
      const queue = new Calls(new FairSemaphore({ permits, reservePercent }));
      const waiting = new Set<string>();
      const { reserved } = queue.semaphore;
      const held = (project: string): number => [...queue.permits.keys()].filter((name) => name[0] === project).length;
      for (const [i, each] of steps.entries()) {
        const before = queue.entered.length;
        const pick = (from: string[]) => from[(each.kind === "enter" ? 0 : each.which) % from.length]!;
        if (each.kind === "enter") {
          waiting.add(`${each.project}${i}`);
          await queue.enter(`${each.project}${i}`);
        } else if (each.kind === "leave" && queue.permits.size > 0) {
          await queue.leave(pick([...queue.permits.keys()]));
        } else if (each.kind === "abort" && waiting.size > 0) {
          const stopped = pick([...waiting]);
          waiting.delete(stopped);
          await queue.abort(stopped);
        }
        const served = queue.entered.slice(before);
        for (const name of served) waiting.delete(name);
        expect(queue.permits.size).toBeLessThanOrEqual(permits + reserved);
        expect(queue.semaphore.waiting).toBe(waiting.size);
        const left = permits + reserved - queue.permits.size;
        for (const name of waiting) {
          expect(queue.permits.size, `${name} waits though a permit is free`).toBeGreaterThanOrEqual(permits);
          expect(held(name[0]!), `${name} waits though the reserve has room for it`).toBeGreaterThanOrEqual(
            reserved === 0 ? 0 : left,
          );
          for (const passed of served) {
            expect(held(passed[0]!) - 1, `${passed} overtook ${name}`).toBeLessThanOrEqual(held(name[0]!));
            const isOlder = passed[0] !== name[0] || Number(passed.slice(1)) < Number(name.slice(1));
            expect(isOlder, `${passed} overtook ${name} of its own project`).toBe(true);
          }
        }
      }
    }),
    { numRuns: 300 },
  );
});
