/**
 * One Python sandbox: a container's interpreter with its variables and its working folder.
 *
 * Its process may end: killed at a limit, evicted for another sandbox, or with its worker. The sandbox keeps its
 * history: the seed of its randomness, the completed cells, and the files. To restore the state, it runs the cells
 * again in a fresh interpreter and writes the files. That is safe, because a cell has no effects outside the sandbox,
 * and all its randomness comes from the seed. The result may differ if a cell reads the time. Cells that timed out are
 * not repeated. A history that is too long, or took too long, is not run again: the files remain, and the next run
 * tells the model that the variables are gone.
 */
import { randomBytes } from "node:crypto";
import type { ProcessOutcome, CellResult, ExitReason, PythonProcess } from "./python-process.ts";
import type { ProcessHolder } from "./process-holder.ts";
import type { PythonProcessPool } from "./python-process-pool.ts";

export interface PythonFile {
  /** A path within the working folder. */
  name: string;
  bytes: Uint8Array;
}

export interface PythonRun {
  code: string;
  /** Written to the working folder before the code runs. */
  files?: readonly PythonFile[];
  timeoutMs?: number;
}

export type PythonOutput = { type: "logs"; logs: string } | { type: "image"; bytes: Uint8Array; mediaType: string };

export interface PythonResult {
  outputs: PythonOutput[];
  /** A traceback, or a message that the cell timed out, ran out of memory, or crashed its interpreter. */
  error?: string;
  /** Created or changed by this run. */
  files: PythonFile[];
  deletedFiles: string[];
}

/** Plain data from which any worker can restore a sandbox. */
export interface PythonSnapshot {
  seed: string;
  /** Undefined if the history exceeds its limits. Only the files are then restored. */
  cells: PythonCell[] | undefined;
  files: PythonFile[];
}

/** A completed cell, with the files that were added before it. */
export interface PythonCell {
  code: string;
  files: readonly PythonFile[];
  durationMs: number;
}

export class PythonInputError extends Error {
  override readonly name = "PythonInputError";
}

const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_CODE_BYTES = 1024 * 1024;
const MAX_NAME_BYTES = 255;
const SEED_BYTES = 32;
const MAX_HISTORY_CELLS = 200;
const MAX_HISTORY_BYTES = 64 * 1024 * 1024;
/** Maximum time of all cells in a history. */
const MAX_HISTORY_MS = 60_000;
/** A repeated cell may take longer than the first time by this factor. */
const REPLAY_TIME_FACTOR = 3;
const REPLAY_EXTRA_MS = 5_000;

const TRUNCATED_NOTICE = "\n[The rest of the output was cut off.]\n";
const VARIABLES_LOST_NOTICE = "[The interpreter was restarted: files remain, but variables and imports are gone.]\n";
const EXIT_MESSAGES: Record<ExitReason, string> = {
  "timed out": "timed out",
  "out of memory": "out of memory",
  crashed: "The interpreter crashed.",
};

export class PythonSandbox implements AsyncDisposable, ProcessHolder {
  readonly project: string;
  readonly #processes: PythonProcessPool;
  readonly #seed: string;
  readonly #files: Map<string, Uint8Array>;
  #cells: PythonCell[] | undefined;
  #process: PythonProcess | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #isDisposed = false;
  idleSince: number | undefined = performance.now();

  constructor(processes: PythonProcessPool, project: string, snapshot?: PythonSnapshot) {
    this.project = project;
    this.#processes = processes;
    this.#seed = snapshot?.seed ?? randomBytes(SEED_BYTES).toString("hex");
    this.#cells = snapshot === undefined ? [] : snapshot.cells?.slice();
    this.#files = new Map(snapshot?.files.map(({ name, bytes }) => [name, bytes]));
  }

  /**
   * Runs one cell after the earlier ones. The caller holds a permit of the process pool. An error in the sandbox is
   * part of the result. Rejects with a PythonInputError, a PythonStartError, or the signal's reason.
   */
  async run(run: PythonRun, signal: AbortSignal): Promise<PythonResult> {
    checkInput(run, this.#processes.limits.fileBytes);
    const turn = this.#queue.then(() => this.#run(run, signal));
    this.#queue = turn.catch(() => {});
    return await turn;
  }

  /** The id of the current process, if there is one. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  snapshot(): PythonSnapshot {
    const files = [...this.#files].map(([name, bytes]) => ({ name, bytes }));
    return { seed: this.#seed, cells: this.#cells?.slice(), files };
  }

  evict(): void {
    if (this.#process !== undefined) this.#processes.releaseProcess(this.#process);
    this.#process = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    const process = this.#process;
    this.evict();
    await process?.[Symbol.asyncDispose]();
    await this.#queue;
  }

  async #run(run: PythonRun, signal: AbortSignal): Promise<PythonResult> {
    if (this.#isDisposed) throw new PythonInputError("The sandbox is closed.");
    this.idleSince = undefined;
    try {
      const { process, notice } = await this.#ensureProcess(signal);
      const files = run.files ?? [];
      const startedAt = performance.now();
      const outcome = await process.run(
        { code: run.code, files, timeoutMs: run.timeoutMs ?? DEFAULT_TIMEOUT_MS },
        signal,
      );
      for (const { name, bytes } of files) this.#files.set(name, bytes);
      if (outcome.kind === "ended") {
        this.#storeFiles(outcome.result);
        const cell = { code: run.code, files, durationMs: performance.now() - startedAt };
        if (!outcome.result.timed_out) this.#recordCell(cell);
      } else {
        this.evict();
      }
      return toPythonResult(outcome, notice);
    } catch (error) {
      // The process was killed during the cell, so its state does not match the history.
      this.evict();
      throw error;
    } finally {
      this.idleSince = performance.now();
    }
  }

  /** Returns the current process, or a new one with this sandbox's state. */
  async #ensureProcess(signal: AbortSignal): Promise<{ process: PythonProcess; notice: string }> {
    if (this.#process?.isAlive === true) return { process: this.#process, notice: "" };
    this.evict();
    const restored = this.#cells === undefined ? undefined : await this.#replay(this.#cells, signal);
    const process = restored ?? (await this.#startProcess(signal));
    const files = [...this.#files].map(([name, bytes]) => ({ name, bytes }));
    if (files.length > 0) await process.run({ code: "", files, timeoutMs: DEFAULT_TIMEOUT_MS }, signal);
    if (restored !== undefined) return { process, notice: "" };
    // A new history starts with the files.
    this.#cells = [{ code: "", files, durationMs: 0 }];
    return { process, notice: VARIABLES_LOST_NOTICE };
  }

  async #startProcess(signal: AbortSignal): Promise<PythonProcess> {
    const process = await this.#processes.acquireProcess(this, signal);
    this.#process = process;
    process.begin(this.#seed);
    return process;
  }

  /** Returns a process in which all cells completed again. Undefined if one did not. */
  async #replay(cells: readonly PythonCell[], signal: AbortSignal): Promise<PythonProcess | undefined> {
    const process = await this.#startProcess(signal);
    for (const { code, files, durationMs } of cells) {
      const timeoutMs = Math.ceil(durationMs * REPLAY_TIME_FACTOR + REPLAY_EXTRA_MS);
      const outcome = await process.run({ code, files, timeoutMs }, signal);
      if (outcome.kind === "ended" && !outcome.result.timed_out) continue;
      this.evict();
      return undefined;
    }
    return process;
  }

  #storeFiles({ files, deleted }: CellResult): void {
    for (const { name, bytes } of files) this.#files.set(name, bytes);
    for (const name of deleted) this.#files.delete(name);
  }

  #recordCell(cell: PythonCell): void {
    if (this.#cells === undefined) return;
    this.#cells.push(cell);
    const sum = (measure: (cell: PythonCell) => number): number =>
      this.#cells!.reduce((total, each) => total + measure(each), 0);
    const bytes = sum(({ code, files }) => code.length + files.reduce((total, file) => total + file.bytes.length, 0));
    const isTooMuch = this.#cells.length > MAX_HISTORY_CELLS || bytes > MAX_HISTORY_BYTES;
    if (isTooMuch || sum(({ durationMs }) => durationMs) > MAX_HISTORY_MS) this.#cells = undefined;
  }
}

function checkInput({ code, files = [] }: PythonRun, maxFileBytes: number): void {
  if (Buffer.byteLength(code) > MAX_CODE_BYTES) throw new PythonInputError("The code is longer than 1 MiB.");
  for (const { name } of files) {
    const steps = name.split("/");
    const isLegal = steps.every((step) => step !== "" && step !== "." && step !== "..") && !name.includes("\0");
    if (!isLegal || Buffer.byteLength(name) > MAX_NAME_BYTES) {
      throw new PythonInputError("A file's name is not a path within the working folder.");
    }
  }
  if (files.reduce((total, { bytes }) => total + bytes.length, 0) > maxFileBytes) {
    throw new PythonInputError(`The files are larger than ${maxFileBytes} bytes.`);
  }
}

function toPythonResult(outcome: ProcessOutcome, notice: string): PythonResult {
  const logs = notice + outcome.logs + (outcome.logsTruncated ? TRUNCATED_NOTICE : "");
  const outputs: PythonOutput[] = logs === "" ? [] : [{ type: "logs", logs }];
  if (outcome.kind === "exited") return { outputs, error: EXIT_MESSAGES[outcome.reason], files: [], deletedFiles: [] };
  const { result } = outcome;
  const error = result.timed_out ? EXIT_MESSAGES["timed out"] : result.error;
  return {
    outputs: [
      ...outputs,
      ...result.images.map((image) => ({ type: "image" as const, bytes: image.bytes, mediaType: image.media_type })),
    ],
    ...(error === undefined ? {} : { error }),
    files: result.files,
    deletedFiles: result.deleted,
  };
}
