/**
 * The interpreters of containers in this worker, as the last cell left them. The store has the authoritative state:
 * each cell writes its changes to it, and an interpreter with an outdated version is recreated. Two workers may run
 * cells in one container at the same time. The second writer starts over from the first one's state. That is
 * safe, because a cell has no effects outside its container.
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
  /** Whether a missing container is created. */
  mayCreate: boolean;
  /** Whether earlier cells have completed. The model then does not expect a new container. */
  hasEarlierCells: boolean;
  code: string;
  /** Each file is added once, before the next cell. */
  files: readonly PythonFile[];
  timeoutMs: number;
}

export class ContainerNotFoundError extends Error {
  override readonly name = "ContainerNotFoundError";
}

/** Other runs kept changing the container, so this cell's changes were discarded. */
export class ContainerBusyError extends Error {
  override readonly name = "ContainerBusyError";
}

interface OpenContainer {
  sandbox: PythonSandbox;
  /** The version in the store. 0 for a container that is not stored yet. */
  version: number;
  cells: readonly ContainerCell[] | undefined;
  givenFileHashes: string[];
  /** A notice to the model that precedes the next cell's output. */
  notice?: string | undefined;
}

const RESTART_NOTICE = "[The interpreter was restarted: variables, imports and files of earlier cells are gone.]\n";

/** Their files are in memory. The process pool limits their processes. */
const MAX_IDLE_CONTAINERS = 16;
const MAX_ATTEMPTS = 3;

export class LiveContainers implements AsyncDisposable {
  readonly #processes: PythonProcessPool;
  /** Containers that run no cell. */
  readonly #idle = new Map<string, OpenContainer>();
  /** The last cell in each container's queue. */
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(processes: PythonProcessPool) {
    this.#processes = processes;
  }

  /**
   * The caller holds a permit of the process pool. Rejects with one of the errors above, an error of PythonSandbox.run,
   * or the signal's reason.
   */
  async run(store: ProjectContainers, cell: CellRun, signal: AbortSignal): Promise<PythonResult> {
    const key = `${cell.project} ${cell.containerId}`;
    const before = this.#running.get(key) ?? Promise.resolve();
    const turn = raceSignal(before, signal).then(() => this.#runUntilStored(key, store, cell, signal));
    // If a waiting call is aborted, the next one still waits for those before it.
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
    store: ProjectContainers,
    cell: CellRun,
    signal: AbortSignal,
  ): Promise<PythonResult> {
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      signal.throwIfAborted();
      const container = await this.#open(key, store, cell);
      let isStored = false;
      try {
        const { result, change } = await runCell(container, cell, signal);
        isStored = await store.write(cell.containerId, change);
        if (isStored) return result;
      } finally {
        if (isStored) this.#keepIdle(key, container);
        else await container.sandbox[Symbol.asyncDispose]();
      }
    }
    throw new ContainerBusyError(
      "Other calls were changing the container at the same time. The changes of this call were discarded.",
    );
  }

  /** Takes the container from the idle ones, or recreates it from the store if its version differs. */
  async #open(key: string, store: ProjectContainers, cell: CellRun): Promise<OpenContainer> {
    const { project, containerId, mayCreate, hasEarlierCells } = cell;
    const idle = this.#idle.get(key);
    this.#idle.delete(key);
    const version = await store.readVersion(containerId);
    if (idle !== undefined && idle.version === (version ?? 0)) return idle;
    await idle?.sandbox[Symbol.asyncDispose]();
    const stored = version === undefined ? undefined : await store.read(containerId);
    if (stored !== undefined) {
      const sandbox = new PythonSandbox(this.#processes, project, stored);
      return { sandbox, version: stored.version, cells: stored.cells, givenFileHashes: stored.given };
    }
    if (!mayCreate) throw new ContainerNotFoundError(`The container '${containerId}' does not exist.`);
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
  const hashed = files.map((file) => ({ file, hash: hashFile(file) }));
  const missing = hashed.filter(({ hash }) => !container.givenFileHashes.includes(hash));
  const given = missing.map(({ file }) => file);
  const result = await container.sandbox.run({ code, files: given, timeoutMs }, signal);
  container.givenFileHashes = [...container.givenFileHashes, ...missing.map(({ hash }) => hash)];
  const change = describeChange(container, given, result);
  if (container.notice === undefined) return { result, change };
  const outputs = [{ type: "logs" as const, logs: container.notice }, ...result.outputs];
  container.notice = undefined;
  return { result: { ...result, outputs }, change };
}

/** Describes the changes for the store. The container then has the version that the store will have. */
function describeChange(container: OpenContainer, given: readonly PythonFile[], result: PythonResult): ContainerChange {
  const { seed, cells } = container.sandbox.snapshot();
  const before = container.cells ?? [];
  const after = cells ?? [];
  // A history either grows at its end or starts over.
  const isGrown = before.every((cell, index) => after[index] === cell);
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
    deletedCells: before.map((_, index) => index).slice(after.length),
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
