/**
 * One Python sandbox: a container's interpreter with its variables and its working folder, between runs.
 *
 * Its process may go away: killed at a limit, evicted for another sandbox, or with its worker. What is kept is its
 * history: the seed of its randomness, the cells that ended, and its files. From that the state is made again by running
 * the cells once more in a fresh interpreter and putting the files back. That is sound because a cell has no effects
 * outside of the sandbox, and everything it draws at random comes from the seed. It is not exact where a cell asked for
 * the time, and cells that were stopped at their time limit are left out. Bounded: a history that is too long, or that
 * took too long, is not run again; the files are kept, and the next run says that the variables are gone.
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
  /** A traceback; or that it timed out, ran out of memory, or took its interpreter down. */
  error?: string;
  /** Created or changed by this run. */
  files: PythonFile[];
  deletedFiles: string[];
}

/** Plain data; with it a sandbox is made again on any worker. */
export interface PythonSnapshot {
  seed: string;
  /** Undefined once the history is beyond its bounds: then only the files come back. */
  cells: PythonCell[] | undefined;
  files: PythonFile[];
}

/** A cell that ended, with the files that were put in before it. */
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
/** What all cells of a history took. */
const MAX_HISTORY_MS = 60_000;
/** How much longer than the first time a cell may take. */
const REPLAY_TIME_FACTOR = 3;
const REPLAY_EXTRA_MS = 5_000;

const TRUNCATED_NOTICE = "\n[The output was longer than this and has been cut.]\n";
const VARIABLES_LOST_NOTICE = "[The interpreter was restarted: files are kept, variables and imports are not.]\n";
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
   * Runs one cell after those before it. Whoever calls it has a place (PythonProcesses.enter). What goes wrong in the sandbox is in the result; it rejects with a
   * PythonInputError, a PythonStartError, or the signal's reason.
   */
  async run(run: PythonRun, signal: AbortSignal): Promise<PythonResult> {
    checkInput(run, this.#processes.limits.fileBytes);
    const turn = this.#queue.then(() => this.#run(run, signal));
    this.#queue = turn.catch(() => {});
    return await turn;
  }

  /** Of the process that it has at the moment, if it has one. */
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
      if ("result" in outcome) {
        this.#storeFiles(outcome.result);
        const cell = { code: run.code, files, durationMs: performance.now() - startedAt };
        if (!outcome.result.timed_out) this.#recordCell(cell);
      } else {
        this.evict();
      }
      return toPythonResult(outcome, notice);
    } catch (error) {
      // Killed in the middle of something: what is in it now is not what the history says.
      this.evict();
      throw error;
    } finally {
      this.idleSince = performance.now();
    }
  }

  /** The process that this sandbox has, or a new one in the state that this sandbox is in. */
  async #ensureProcess(signal: AbortSignal): Promise<{ process: PythonProcess; notice: string }> {
    if (this.#process?.isAlive === true) return { process: this.#process, notice: "" };
    this.evict();
    const restored = this.#cells === undefined ? undefined : await this.#replay(this.#cells, signal);
    const process = restored ?? (await this.#startProcess(signal));
    const files = [...this.#files].map(([name, bytes]) => ({ name, bytes }));
    if (files.length > 0) await process.run({ code: "", files, timeoutMs: DEFAULT_TIMEOUT_MS }, signal);
    if (restored !== undefined) return { process, notice: "" };
    // A new history, which begins with the files.
    this.#cells = [{ code: "", files, durationMs: 0 }];
    return { process, notice: VARIABLES_LOST_NOTICE };
  }

  async #startProcess(signal: AbortSignal): Promise<PythonProcess> {
    const process = await this.#processes.acquireProcess(this, signal);
    this.#process = process;
    process.begin(this.#seed);
    return process;
  }

  /** A process in which every cell ended again; undefined if one did not. */
  async #replay(cells: readonly PythonCell[], signal: AbortSignal): Promise<PythonProcess | undefined> {
    const process = await this.#startProcess(signal);
    for (const { code, files, durationMs } of cells) {
      const timeoutMs = Math.ceil(durationMs * REPLAY_TIME_FACTOR + REPLAY_EXTRA_MS);
      const outcome = await process.run({ code, files, timeoutMs }, signal);
      if ("result" in outcome && !outcome.result.timed_out) continue;
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
  if ("demise" in outcome) return { outputs, error: EXIT_MESSAGES[outcome.demise], files: [], deletedFiles: [] };
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
