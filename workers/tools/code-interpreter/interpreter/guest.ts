/**
 * What runs in the sandbox's realm: Pyodide, and the three functions by which the host drives it. The host calls in and
 * gets numbers and strings back. No object crosses in either direction, so that neither side's prototypes are the
 * other's.
 */
import { fireTimers, lockFile, monotonicMs, printBytes, runner, msUntilNextTimer } from "./realm-globals.ts";
import { loadPyodide } from "pyodide";
import createPyodideModule from "pyodide/pyodide.asm.mjs";

interface PythonFunction {
  (argument?: string): void;
  callPromising(argument: string): Promise<string>;
}

/** After the interrupt at the end of a run's time, another one so often: code may catch the first. */
const INTERRUPT_AGAIN_MS = 200;
const SIGINT = 2;
const IDLE_POLL_MS = 5;

let deadline = Infinity;
let printable = 0;
let input = "";
let outcome: string | undefined;

const realm: Record<string, unknown> = globalThis;
realm["state"] = "starting";

function print(bytes: Uint8Array): number {
  const shown = Math.min(bytes.length, printable);
  if (shown > 0) {
    printable -= shown;
    printBytes(bytes.subarray(0, shown));
  }
  return bytes.length;
}

/** Python looks at this every few instructions. Its time is up when there is a SIGINT in it. */
const interrupts = {
  get 0(): number {
    if (monotonicMs() < deadline) return 0;
    deadline = monotonicMs() + INTERRUPT_AGAIN_MS;
    return SIGINT;
  },
  set 0(_value: number) {},
};

/** The interpreter cannot go on. No result, so the worker kills the process. */
function crash(error: unknown): void {
  outcome = JSON.stringify({ crash: String(error) });
}

async function start(): Promise<void> {
  const python = await loadPyodide({
    indexURL: "/pyodide/",
    createPyodideModule,
    lockFileContents: lockFile,
    jsglobals: {},
    env: { HOME: "/mnt/data" },
  } as Parameters<typeof loadPyodide>[0]);
  (python as unknown as { _api: { on_fatal: unknown } })._api.on_fatal = (error: unknown): void => crash(error);
  python.setStdin({ error: true });
  python.setStdout({ write: print });
  python.setStderr({ write: print });
  python.setInterruptBuffer(interrupts as unknown as Int32Array);
  const globals = python.toPy({ __name__: "run_cell" }) as { get(name: string): PythonFunction };
  python.runPython(runner, { globals: globals as never, filename: "<run_cell>" });
  const begin = globals.get("begin");
  const runCell = globals.get("run_cell");
  const wake = globals.get("wake");

  realm["setInput"] = (text: string): void => {
    input = text;
  };
  realm["begin"] = (): string => {
    begin(input);
    return "begun";
  };
  realm["startRun"] = (timeoutMs: number, maxLogBytes: number): string => {
    outcome = undefined;
    printable = maxLogBytes;
    deadline = monotonicMs() + timeoutMs;
    void runCell.callPromising(input).then(
      (result) => (outcome = result),
      (error: unknown) => crash(error),
    );
    return "started";
  };
  /** Lets the run go on. The result as JSON when there is one, else the milliseconds to wait before the next call. */
  realm["pump"] = (): string | number => {
    if (monotonicMs() >= deadline) {
      deadline = monotonicMs() + INTERRUPT_AGAIN_MS;
      wake();
    }
    const hasFired = fireTimers();
    if (outcome !== undefined) {
      deadline = Infinity;
      return outcome;
    }
    if (hasFired) return 0;
    return Math.max(0, Math.min(msUntilNextTimer(), deadline - monotonicMs(), IDLE_POLL_MS));
  };
  realm["state"] = "ready";
}

start().catch((error: unknown) => {
  realm["state"] = `failed: ${String(error)}`;
});
