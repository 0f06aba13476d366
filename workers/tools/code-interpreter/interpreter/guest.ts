/**
 * The code in the sandbox's realm: Pyodide, and the three functions with which the host drives it. The host calls them
 * with numbers and strings, and gets numbers and strings back. No object crosses in either direction, so that neither
 * side can reach the other's prototypes.
 */
import { fireTimers, lockFile, monotonicMs, printBytes, runner, msUntilNextTimer } from "./realm-globals.ts";
import { loadPyodide } from "pyodide";
import createPyodideModule from "pyodide/pyodide.asm.mjs";

interface PythonFunction {
  (argument?: string): void;
  callPromising(argument: string): Promise<string>;
}

/** Interval of further interrupts after the timeout: code may catch the first one. */
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

/** Python polls this every few instructions. A SIGINT in it means that the time is up. */
const interrupts = {
  get 0(): number {
    if (monotonicMs() < deadline) return 0;
    deadline = monotonicMs() + INTERRUPT_AGAIN_MS;
    return SIGINT;
  },
  set 0(_value: number) {},
};

/** The interpreter cannot continue. Without a result, the worker kills the process. */
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
  /** Continues the run. Returns the result as JSON, or the milliseconds to wait before the next call. */
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
