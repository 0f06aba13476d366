import { describe, expect, test } from "vitest";
import { PythonInputError, PythonSandbox } from "../../../../workers/tools/code-interpreter/python-sandbox.ts";
import { logsOf, NEVER_ABORTED, runCode, usePython } from "../../../support/python.ts";

const processes = usePython();
const sandbox = new PythonSandbox(processes, "p");
const PNG = "b'\\x89PNG\\r\\n\\x1a\\n' + b'rest'";

describe("a cell", () => {
  test.each([
    ["shows its last expression", "x = 20\nx + 1", "21\n"],
    ["shows nothing for None or a trailing semicolon", "None;", ""],
    [
      "prints stdout and stderr in order",
      "import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('ü 🐍')",
      "a\nb\nü 🐍\n",
    ],
    ["sees the variables of earlier cells", "x", "20\n"],
    ["may await", "import asyncio\nawait asyncio.sleep(0.01)\n'slept'", "'slept'\n"],
    [
      "may run an event loop",
      "async def main():\n  await asyncio.sleep(0.01)\n  return x\nasyncio.run(main())",
      "20\n",
    ],
    [
      "has the standard library",
      "import sqlite3, hashlib, decimal, csv\nhashlib.sha256(b'').hexdigest()[:8]",
      "'e3b0c442'\n",
    ],
    [
      "defines classes that can be pickled",
      "import pickle\nclass A: pass\ntype(pickle.loads(pickle.dumps(A()))) is A",
      "True\n",
    ],
  ])("%s", async (_, code, logs) => {
    const result = await runCode(sandbox, code);
    expect(result.error).toBeUndefined();
    expect(logsOf(result)).toBe(logs);
  });

  test("that raises shows its own lines only", async () => {
    const { error, outputs } = await runCode(sandbox, "def f():\n    return 1 / 0\nprint('before')\nf()");
    expect(outputs).toEqual([{ type: "logs", logs: "before\n" }]);
    expect(error).toMatch(
      /^Traceback \(most recent call last\):\n {2}File "<cell \d+>", line 4, in <module>\n {4}f\(\)\n/,
    );
    expect(error).toMatch(/return 1 \/ 0[^]*ZeroDivisionError: division by zero\n$/);
    expect(error).not.toMatch(/_pyodide|run_cell/);
  });

  test.each([
    ["a syntax error", "1 +", "SyntaxError: invalid syntax"],
    [
      "a missing package",
      "import numpy",
      "ModuleNotFoundError: No module named 'numpy' (only Python's standard library is available)\n",
    ],
    ["an exit", "raise SystemExit(3)", "SystemExit: 3"],
    ["unbounded recursion", "def f(n): return f(n + 1)\nf(0)", "RecursionError"],
    ["input", "input()", "OSError"],
    ["an interrupt of its own", "raise KeyboardInterrupt", "KeyboardInterrupt"],
    ["a cancellation of its own", "raise asyncio.CancelledError", "CancelledError"],
  ])("with %s has an error", async (_, code, error) => {
    expect((await runCode(sandbox, code)).error).toContain(error);
    expect(logsOf(await runCode(sandbox, "x"))).toBe("20\n");
  });

  test("that fails in JavaScript or while handling an error shows its own lines only", async () => {
    const code = "import pyodide_js\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    pyodide_js.FS.readdir('/nowhere')";
    const { error } = await runCode(sandbox, code);
    expect(error).toContain("ZeroDivisionError");
    expect(error).not.toMatch(/_pyodide|run_cell/);
  });

  test("may leave a failed task unawaited", async () => {
    await runCode(sandbox, "async def fail(): raise ValueError\ntask = asyncio.ensure_future(fail())");
    await runCode(sandbox, "await asyncio.sleep(0.01)");
    expect(logsOf(await runCode(sandbox, "x"))).toBe("20\n");
  });

  test("runs after the cell that was submitted before it", async () => {
    const results = await Promise.all(
      ["order = [1]", "order.append(2)", "order"].map((code) => runCode(sandbox, code)),
    );
    expect(logsOf(results[2]!)).toBe("[1, 2]\n");
  });
});

describe("files", () => {
  test("are added, read, changed and deleted; only changes are reported", async () => {
    const bytes = new TextEncoder().encode("1,2");
    const read = await runCode(sandbox, "print(open('in/a.csv').read(), open('/mnt/data/in/a.csv').read())", {
      files: [{ name: "in/a.csv", bytes }],
    });
    expect(logsOf(read)).toBe("1,2 1,2\n");
    expect(read.files).toEqual([]);
    const changed = await runCode(
      sandbox,
      "_ = open('in/a.csv', 'w').write('3,4'); _ = open('b.txt', 'w').write('ü');",
    );
    expect(changed.files.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()])).toEqual([
      ["b.txt", "ü"],
      ["in/a.csv", "3,4"],
    ]);
    const deleted = await runCode(sandbox, "import os; os.remove('b.txt')");
    expect(deleted).toMatchObject({ files: [], deletedFiles: ["b.txt"] });
  });

  test("that are images are shown and stay files", async () => {
    const result = await runCode(sandbox, `_ = open('plot.png', 'wb').write(${PNG});`);
    expect(result.outputs).toEqual([{ type: "image", mediaType: "image/png", bytes: result.files[0]!.bytes }]);
    expect(result.files[0]!.name).toBe("plot.png");
  });

  test("are not needed to display values as images", async () => {
    const { outputs, files } = await runCode(
      sandbox,
      `display(${PNG}, 'text')\nclass Plot:\n  def _repr_svg_(self): return '<svg/>'\nPlot()`,
    );
    expect(files).toEqual([]);
    expect(outputs.map((output) => (output.type === "image" ? output.mediaType : output.logs))).toEqual([
      "'text'\n",
      "image/png",
      "image/svg+xml",
    ]);
  });

  test.each(["../a", "/etc/a", "a/../b", "", "a//b", "a\0b", "a".repeat(300)])(
    "cannot have the name %j",
    async (name) => {
      const run = runCode(sandbox, "1", { files: [{ name, bytes: new Uint8Array() }] });
      await expect(run).rejects.toThrow(PythonInputError);
    },
  );
});

describe("a history", () => {
  const code = "import random, uuid\ndrawn = (random.random(), str(uuid.uuid4()), hash('x'))\ndrawn";

  test("restores variables, functions, files and random state in a fresh interpreter", async () => {
    const first = new PythonSandbox(processes, "p");
    const drawn = logsOf(await runCode(first, code));
    await runCode(first, "f = lambda: drawn[0]\n_ = open('kept.txt', 'w').write('kept');\n1 / 0");
    await runCode(first, "import secrets; token = secrets.token_hex(4)");
    const token = logsOf(await runCode(first, "token"));
    const snapshot = structuredClone(first.snapshot());
    await first[Symbol.asyncDispose]();

    const second = new PythonSandbox(processes, "p", snapshot);
    expect(logsOf(await runCode(second, "drawn"))).toBe(drawn);
    expect(logsOf(await runCode(second, "token"))).toBe(token);
    expect(logsOf(await runCode(second, "f() == drawn[0], open('kept.txt').read()"))).toBe("(True, 'kept')\n");
    const other = new PythonSandbox(processes, "p");
    expect(logsOf(await runCode(other, code))).not.toBe(drawn);
    await other[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
  });

  test("that cannot run again leaves the files, and reports it", async () => {
    const bytes = new TextEncoder().encode("kept");
    const snapshot = { seed: "00".repeat(32), cells: undefined, files: [{ name: "a.txt", bytes }] };
    const restored = new PythonSandbox(processes, "p", snapshot);
    const result = await runCode(restored, "print(open('a.txt').read())");
    expect(logsOf(result)).toBe(
      "[The interpreter was restarted: files remain, but variables and imports are gone.]\nkept\n",
    );
    expect(logsOf(await runCode(restored, "1"))).toBe("1\n");
    expect(restored.snapshot().cells?.length).toBe(3);
    await restored[Symbol.asyncDispose]();
  });
});

test("a run rejects with its signal's reason and keeps the earlier state", async () => {
  const aborter = new AbortController();
  const reason = new Error("cancelled");
  const run = sandbox.run({ code: "x = 0\nwhile True: pass" }, aborter.signal);
  const failure = run.catch((error: unknown) => error);
  aborter.abort(reason);
  expect(await failure).toBe(reason);
  expect(logsOf(await runCode(sandbox, "x"))).toBe("20\n");
  await expect(sandbox.run({ code: "1" }, aborter.signal)).rejects.toBe(reason);
  expect(NEVER_ABORTED.aborted).toBe(false);
});
