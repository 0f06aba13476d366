/** Interpreters of several projects: which project gets one, which waits, and whose idle one is evicted. */
import { afterEach, expect, test } from "vitest";
import { PythonProcessPool } from "../../../../workers/tools/code-interpreter/python-process-pool.ts";
import { PythonSandbox } from "../../../../workers/tools/code-interpreter/python-sandbox.ts";
import { type ProcessHolder, findEvictable } from "../../../../workers/tools/code-interpreter/process-holder.ts";
import { logsOf, runQueued, usePython } from "../../../support/python.ts";

const processes = usePython({ max: 2, reservePercent: 10 });
const open: PythonSandbox[] = [];
const sandboxOf = (project: string): PythonSandbox => {
  const sandbox = new PythonSandbox(processes, project);
  open.push(sandbox);
  return sandbox;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((sandbox) => sandbox[Symbol.asyncDispose]()));
});

test.each<[string, string[], string | undefined]>([
  ["none is idle", ["a:-", "b:-"], undefined],
  ["one is idle", ["a:-", "b:5"], "b:5"],
  ["one project has most", ["b:1", "a:7", "a:4", "a:-"], "a:4"],
  ["the largest project's are busy", ["b:9", "a:-", "a:-", "b:-", "a:-", "c:1"], "b:9"],
  ["two projects have equally many", ["a:3", "b:2"], "a:3"],
])("eviction picks the right interpreter if %s", (_name, all, expected) => {
  const holderOf = (name: string): ProcessHolder => {
    const [project, since] = name.split(":") as [string, string];
    return { project, idleSince: since === "-" ? undefined : Number(since), evict: () => {} };
  };
  expect(findEvictable(all, holderOf)).toBe(expected);
});

test("another project's cell runs while one project hangs its share", async () => {
  const stop = new AbortController();
  const hanging = [1, 2, 3].map(async () =>
    runQueued(processes, sandboxOf("hog"), "import time\nwhile True: time.sleep(1)", stop.signal),
  );
  const ends = Promise.allSettled(hanging);
  await expect.poll(() => open.filter(({ pid }) => pid !== undefined).length, { timeout: 60_000 }).toBe(2);
  const other = sandboxOf("other");
  expect(logsOf(await runQueued(processes, other, "x = 1\n'mine'"))).toBe("'mine'\n");
  expect(open.map(({ pid }) => pid !== undefined)).toEqual([true, true, false, true]);
  expect(logsOf(await runQueued(processes, other, "x"))).toBe("1\n");
  stop.abort(new Error("stopped"));
  expect((await ends).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
});

test("an idle interpreter of the largest project is evicted at once", async () => {
  const [first, second, other] = [sandboxOf("hog"), sandboxOf("hog"), sandboxOf("other")];
  for (const each of [first, second, other]) await runQueued(processes, each, "x = 1");
  expect([first.pid, second.pid, other.pid].map((pid) => pid !== undefined)).toEqual([false, true, true]);
  // The other project's has been idle longer, but both have equally many.
  expect(logsOf(await runQueued(processes, first, "x"))).toBe("1\n");
});

test("an aborted call's start serves the next call and does not delay closing", async () => {
  await using pool = new PythonProcessPool({ max: 1, reservePercent: 0 });
  const runAborted = async (): Promise<void> => {
    await using sandbox = new PythonSandbox(pool, "p");
    const stop = new AbortController();
    const run = runQueued(pool, sandbox, "1", stop.signal);
    setImmediate(() => stop.abort(new Error("stopped")));
    await expect(run).rejects.toThrow("stopped");
  };
  await runAborted();
  await runAborted();
  await using next = new PythonSandbox(pool, "p");
  expect(logsOf(await runQueued(pool, next, "'next'"))).toBe("'next'\n");
  next.evict();
  await runAborted();
  await runAborted();
});
