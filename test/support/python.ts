/** Python sandboxes for a test file: one pool, closed with the file. */
import { afterAll, vi } from "vitest";
import {
  PythonProcessPool,
  type PythonProcessPoolOptions,
} from "../../workers/tools/code-interpreter/python-process-pool.ts";
import type { PythonResult, PythonRun, PythonSandbox } from "../../workers/tools/code-interpreter/python-sandbox.ts";

export const NEVER_ABORTED = new AbortController().signal;

/** An interpreter takes seconds to start, and several times that on a busy machine. */
const TEST_TIMEOUT_MS = 240_000;

export function usePython(options?: PythonProcessPoolOptions): PythonProcessPool {
  vi.setConfig({ testTimeout: TEST_TIMEOUT_MS });
  const processes = new PythonProcessPool(options);
  afterAll(async () => await processes[Symbol.asyncDispose]());
  return processes;
}

export async function runCode(sandbox: PythonSandbox, code: string, rest: Omit<PythonRun, "code"> = {}) {
  return await sandbox.run({ code, ...rest }, NEVER_ABORTED);
}

/** Holds its own slot, as a call does. */
export async function runQueued(
  processes: PythonProcessPool,
  sandbox: PythonSandbox,
  code: string,
  signal = NEVER_ABORTED,
) {
  using _place = await processes.acquirePermit(sandbox.project, signal);
  return await sandbox.run({ code }, signal);
}

export function logsOf(result: PythonResult): string {
  return result.outputs.map((output) => (output.type === "logs" ? output.logs : "")).join("");
}
