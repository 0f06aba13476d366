/** The limits of a Python sandbox, and the result of exceeding each. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { PythonSandbox } from "../../../../workers/tools/code-interpreter/python-sandbox.ts";
import { logsOf, runCode, runQueued, usePython } from "../../../support/python.ts";

const MIB = 1024 * 1024;
const processes = usePython({
  max: 2,
  limits: {
    interpreterMemoryBytes: 128 * MIB,
    processMemoryBytes: 512 * MIB,
    logBytes: 10_000,
    files: 10,
    fileBytes: MIB,
  },
});
const sandbox = new PythonSandbox(processes, "p");

describe("time", () => {
  test.each([
    ["computes", "n = 1\nwhile True: n += 1"],
    ["sleeps", "import time; time.sleep(600)"],
    ["awaits", "import asyncio; await asyncio.sleep(600)"],
    ["swallows every Exception", "while True:\n  try:\n    while True: pass\n  except Exception: pass"],
  ])("code that %s is interrupted and keeps its variables", async (_, code) => {
    await runCode(sandbox, "kept = 5");
    const result = await runCode(sandbox, `print("so far")\n${code}`, { timeoutMs: 500 });
    expect(result.error).toBe("timed out");
    expect(logsOf(result)).toBe("so far\n");
    expect(logsOf(await runCode(sandbox, "kept"))).toBe("5\n");
  });

  test.each([
    ["resists", "while True:\n  try:\n    while True: pass\n  except BaseException: pass"],
    ["is in native code", "print('in'); sum(range(10**15))"],
    [
      "awaits forever",
      "import asyncio\nf = asyncio.get_event_loop().create_future()\ntry: await f\nexcept BaseException: pass\nwhile True:\n  try: await asyncio.get_event_loop().create_future()\n  except BaseException: pass",
    ],
  ])("code that %s is killed, and the next run restores the state", async (_, code) => {
    await runCode(sandbox, "kept = 6");
    const { pid } = sandbox;
    expect((await runCode(sandbox, code, { timeoutMs: 500 })).error).toBe("timed out");
    expect(logsOf(await runCode(sandbox, "kept"))).toBe("6\n");
    expect(sandbox.pid).not.toBe(pid);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});

describe("memory", () => {
  test.each([
    ["at once", "x = bytearray(1_000_000_000)"],
    ["10 GB in pieces", "x = []\nwhile True: x.append(bytearray(10_000_000))"],
    ["in a string", "x = 'x' * 10\nwhile True: x += x"],
  ])("taken %s raises a MemoryError", async (_, code) => {
    expect((await runCode(sandbox, code)).error).toContain("MemoryError");
    expect(logsOf(await runCode(sandbox, "x = None\n1"))).toContain("1\n");
  });

  test.each([
    ["in files", "i = 0\nwhile True:\n  i += 1\n  _ = open(f'/tmp/{i}', 'wb').write(bytes(10_000_000))"],
    ["in JavaScript", "from pyodide.ffi import to_js\nx = []\nwhile True: x.append(to_js(bytes(10_000_000)))"],
  ])("outside Python's heap, taken %s, ends the process", async (_, code) => {
    expect((await runCode(sandbox, code)).error).toMatch(/out of memory|MemoryError|crashed/);
    expect(logsOf(await runCode(sandbox, "1"))).toContain("1\n");
  });

  test("unbounded recursion ends only the interpreter", async () => {
    const code = "import sys; sys.setrecursionlimit(10**9)\ndef f(n): return f(n + 1)\nf(0)";
    expect((await runCode(sandbox, code)).error).toBe("The interpreter crashed.");
    expect(logsOf(await runCode(sandbox, "1"))).toContain("1\n");
  });
});

describe("output and files", () => {
  test("a gigabyte of output is truncated to its beginning", async () => {
    const result = await runCode(sandbox, "for i in range(1000): print('x' * 1_000_000)", { timeoutMs: 50_000 });
    expect(result.error).toBeUndefined();
    expect(logsOf(result)).toHaveLength(10_000 + "\n[The rest of the output was cut off.]\n".length);
  });

  test("excess or oversized files are skipped and named", async () => {
    const many = await runCode(sandbox, "for i in range(30): open(f'{i:02}.txt', 'w').close()");
    expect(many.files).toHaveLength(10);
    expect(logsOf(many)).toContain(
      "[20 files exceed the limits of the working folder and were discarded, starting with '10.txt']",
    );
    await runCode(sandbox, "import os\nfor i in range(30): os.remove(f'{i:02}.txt')");
    const large = await runCode(sandbox, "_ = open('large', 'wb').write(bytes(2_000_000));");
    expect(large.files).toEqual([]);
    expect(logsOf(large)).toContain("'large'");
    await runCode(sandbox, "os.remove('large')");
  });

  test("opening too many files is an error", async () => {
    expect((await runCode(sandbox, "x = []\nwhile True: x.append(open('/dev/null'))")).error).toMatch(
      /OSError|MemoryError/,
    );
    expect(logsOf(await runCode(sandbox, "x = None\n1"))).toBe("1\n");
  });
});

describe("processes", () => {
  test("are shared: the sandbox that is idle longest is evicted and restored later", async () => {
    const sandboxes = [sandbox, new PythonSandbox(processes, "p"), new PythonSandbox(processes, "p")];
    for (const [i, each] of sandboxes.entries()) await runCode(each, `mine = ${i}`);
    expect(sandboxes.filter(({ pid }) => pid !== undefined).length).toBeLessThanOrEqual(2);
    const values = await Promise.all(sandboxes.map(async (each) => logsOf(await runQueued(processes, each, "mine"))));
    expect(values).toEqual(["0\n", "1\n", "2\n"]);
    for (const each of sandboxes.slice(1)) await each[Symbol.asyncDispose]();
  });

  test("a caller that waits for a process can cancel", async () => {
    const busy = [new PythonSandbox(processes, "p"), new PythonSandbox(processes, "p")];
    const aborter = new AbortController();
    const runs = busy.map((each) =>
      runQueued(processes, each, "while True: pass", aborter.signal).catch(() => "ended"),
    );
    await expect(runQueued(processes, sandbox, "1", AbortSignal.timeout(200))).rejects.toThrow("timeout");
    aborter.abort();
    expect(await Promise.all(runs)).toEqual(["ended", "ended"]);
    expect(logsOf(await runQueued(processes, sandbox, "'next'"))).toContain("'next'\n");
  });
});

describe("after the worker is killed", () => {
  /** A worker with one sandbox that runs the code. It reports the interpreter's pid once the code runs. */
  async function startWorker(code: string): Promise<{ worker: ChildProcess; pid: number }> {
    const folder = new URL("../../../../workers/tools/code-interpreter/", import.meta.url);
    const script = `
      const { PythonProcessPool } = await import("${new URL("python-process-pool.ts", folder).href}");
      const { PythonSandbox } = await import("${new URL("python-sandbox.ts", folder).href}");
      const sandbox = new PythonSandbox(new PythonProcessPool({ max: 1 }), "p");
      await sandbox.run({ code: "1" }, new AbortController().signal);
      console.log(sandbox.pid);
      await sandbox.run({ code: ${JSON.stringify(code)}, timeoutMs: 3000 }, new AbortController().signal);
      setInterval(() => {}, 1000);`;
    const worker = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface(worker.stdout), "line")) as [string];
    return { worker, pid: Number(line) };
  }

  test.each([
    ["an idle interpreter", "1"],
    ["a busy one", "while True:\n  try:\n    while True: pass\n  except BaseException: pass"],
  ])("%s exits", async (_, code) => {
    const { worker, pid } = await startWorker(code);
    worker.kill("SIGKILL");
    await once(worker, "exit");
    await once(spawn("tail", [`--pid=${pid}`, "-f", "/dev/null"]), "exit");
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});

test.each([
  ["floods output without newlines", "import sys\nwhile True: sys.stdout.write('flood')"],
  ["floods output with lines", "while True: print('flood ' * 100)"],
  ["ends without a newline", "print('flood', end='')"],
  ["fails without a newline", "print('flood', end='')\nraise ValueError('x')"],
  ["prints to stderr without a newline", "import sys\n_ = sys.stderr.write('flood')"],
  ["prints bytes", "import sys\n_ = sys.stdout.buffer.write(b'flood')"],
  [
    "prints to the original stdout after replacing it",
    "import io, sys\nprint('flood', end='')\nsys.stdout = io.StringIO()\nprint('lost', end='')\nsys.stdout = sys.__stdout__",
  ],
])("a cell that %s shares its log with no other cell", async (_, code) => {
  await using ownSandbox = new PythonSandbox(processes, "p");
  expect(logsOf(await runCode(ownSandbox, code, { timeoutMs: 2_000 }))).toMatch(/^flood/);
  expect(logsOf(await runCode(ownSandbox, "print('clean')"))).toBe("clean\n");
});
