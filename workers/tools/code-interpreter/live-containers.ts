/**
 * The containers that this worker has at hand: their interpreters as the last cell left them. What counts is in the store:
 * after each cell it is told what has changed, and an interpreter that is not of the store's version is made again. Two
 * workers that run something in one container at the same time do not see each other; the second to write begins anew
 * from what the first wrote, which is sound, since a cell has no effect outside of its container.
 */
import { createHash, randomUUID } from "node:crypto";
import { raceSignal } from "race-signal";
import type { ContainerChange, ContainerCell } from "../../../src/store/containers.ts";
import type { ProjectContainers } from "../tool.ts";
import { findEvictable } from "./process-holder.ts";
import type { PythonProcessPool } from "./python-process-pool.ts";
import { type PythonFile, type PythonResult, PythonSandbox } from "./python-sandbox.ts";

export interface CellRun {
  project: string;
  containerId: string;
  /** Whether the container is made if there is none. */
  mayCreate: boolean;
  /** Whether the conversation has cells that have ended: then a container that is made is not what the model knows. */
  hasEarlierCells: boolean;
  code: string;
  /** Put in once, before the first cell that comes after them. */
  files: readonly PythonFile[];
  timeoutMs: number;
}

export class ContainerNotFoundError extends Error {
  override readonly name = "ContainerNotFoundError";
}

/** Somebody else kept running cells in the same container. Nothing of this cell has stayed. */
export class ContainerBusyError extends Error {
  override readonly name = "ContainerBusyError";
}

interface OpenContainer {
  sandbox: PythonSandbox;
  /** In the store; 0 if it is not there yet. */
  version: number;
  cells: readonly ContainerCell[] | undefined;
  givenFileHashes: string[];
  /** What the model is to be told with the next cell. */
  notice?: string | undefined;
}

const RESTART_NOTICE =
  "[The interpreter was restarted: variables, imports and the files that earlier cells wrote are gone.]\n";

/** Their files are in memory, their processes are bounded elsewhere. */
const MAX_IDLE_CONTAINERS = 16;
const MAX_TRIES = 3;

export class LiveContainers implements AsyncDisposable {
  readonly #processes: PythonProcessPool;
  /** None of them is running anything. */
  readonly #idle = new Map<string, OpenContainer>();
  /** The last cell of each container that has some to run. */
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(processes: PythonProcessPool) {
    this.#processes = processes;
  }

  /** The caller has a place (PythonProcesses.enter). Rejects with one of the errors above, those of PythonSandbox.run, or the signal's reason. */
  async run(states: ProjectContainers, cell: CellRun, signal: AbortSignal): Promise<PythonResult> {
    const key = `${cell.project} ${cell.containerId}`;
    const before = this.#running.get(key) ?? Promise.resolve();
    const turn = raceSignal(before, signal).then(() => this.#runUntilStored(key, states, cell, signal));
    // Whoever leaves the line does not let the next one in before those in front are done.
    const over = Promise.allSettled([before, turn]);
    this.#running.set(key, over);
    void over.then(() => {
      if (this.#running.get(key) === over) this.#running.delete(key);
    });
    return await turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#idle.values()].map(({ sandbox }) => sandbox[Symbol.asyncDispose]()));
    await this.#processes[Symbol.asyncDispose]();
  }

  async #runUntilStored(
    key: string,
    states: ProjectContainers,
    cell: CellRun,
    signal: AbortSignal,
  ): Promise<PythonResult> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      signal.throwIfAborted();
      const container = await this.#open(key, states, cell);
      let isKept = false;
      try {
        const { result, change } = await runCell(container, cell, signal);
        isKept = await states.write(cell.containerId, change);
        if (isKept) return result;
      } finally {
        if (isKept) this.#keepIdle(key, container);
        else await container.sandbox[Symbol.asyncDispose]();
      }
    }
    throw new ContainerBusyError("Others were using the container at the same time. Nothing of this call was kept.");
  }

  /** Taken out of those that are idle; made again if it is not as the store has it. */
  async #open(key: string, states: ProjectContainers, cell: CellRun): Promise<OpenContainer> {
    const { project, containerId, mayCreate, hasEarlierCells } = cell;
    const idle = this.#idle.get(key);
    this.#idle.delete(key);
    const version = await states.readVersion(containerId);
    if (idle !== undefined && idle.version === (version ?? 0)) return idle;
    await idle?.sandbox[Symbol.asyncDispose]();
    const stored = version === undefined ? undefined : await states.read(containerId);
    if (stored !== undefined) {
      const sandbox = new PythonSandbox(this.#processes, project, stored);
      return { sandbox, version: stored.version, cells: stored.cells, givenFileHashes: stored.given };
    }
    if (!mayCreate) throw new ContainerNotFoundError(`There is no container '${containerId}'.`);
    const notice = hasEarlierCells ? RESTART_NOTICE : undefined;
    const sandbox = new PythonSandbox(this.#processes, project);
    return { sandbox, version: 0, cells: [], givenFileHashes: [], notice };
  }

  #keepIdle(key: string, container: OpenContainer): void {
    this.#idle.set(key, container);
    if (this.#idle.size <= MAX_IDLE_CONTAINERS) return;
    const [longest, { sandbox }] = findEvictable(this.#idle, ([, each]) => each.sandbox)!;
    this.#idle.delete(longest);
    void sandbox[Symbol.asyncDispose]();
  }
}

async function runCell(container: OpenContainer, { code, files, timeoutMs }: CellRun, signal: AbortSignal) {
  const named = files.map((file) => ({ file, mark: hashFile(file) }));
  const missing = named.filter(({ mark }) => !container.givenFileHashes.includes(mark));
  const given = missing.map(({ file }) => file);
  const result = await container.sandbox.run({ code, files: given, timeoutMs }, signal);
  container.givenFileHashes = [...container.givenFileHashes, ...missing.map(({ mark }) => mark)];
  const change = describeChange(container, given, result);
  if (container.notice === undefined) return { result, change };
  const outputs = [{ type: "logs" as const, logs: container.notice }, ...result.outputs];
  container.notice = undefined;
  return { result: { ...result, outputs }, change };
}

/** What the store is to be told. The container is then of the version that the store will have. */
function describeChange(container: OpenContainer, given: readonly PythonFile[], result: PythonResult): ContainerChange {
  const { seed, cells } = container.sandbox.snapshot();
  const before = container.cells ?? [];
  const after = cells ?? [];
  // A history only grows at its end, or is begun anew.
  const isGrown = before.every((cell, place) => after[place] === cell);
  const same = isGrown ? before.length : 0;
  const deleted = new Set(result.deletedFiles);
  const changed = new Map([...given, ...result.files].map((file) => [file.name, file]));
  const change: ContainerChange = {
    baseVersion: container.version,
    token: randomUUID(),
    seed,
    given: container.givenFileHashes,
    cellCount: cells?.length,
    newCells: new Map(after.slice(same).map((cell, i) => [same + i, cell])),
    deletedCells: before.map((_, place) => place).slice(after.length),
    files: [...changed.values()].filter(({ name }) => !deleted.has(name)),
    deletedFiles: result.deletedFiles,
  };
  container.cells = cells;
  container.version += 1;
  return change;
}

function hashFile({ name, bytes }: PythonFile): string {
  return `${createHash("sha256").update(bytes).digest("base64url")} ${name}`;
}
