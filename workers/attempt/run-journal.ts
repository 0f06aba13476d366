/**
 * The journal of a run's turns, tool calls and remote runs, as one attempt reads and writes it. Each write is fenced by the
 * attempt's lease, and retried until Redis is available.
 */
import { retryUntilAvailable } from "../../src/redis/retry-until-available.ts";
import type { Storage } from "../../src/responses/storage.ts";
import type { RecordedRemoteRun, RecordedTurn, ToolJournal, ToolResult } from "../../src/store/run-journals.ts";
import { LeaseLostError } from "../../src/stream/log/event-writer.ts";
import type { Attempt } from "./attempt.ts";

export class RunJournal {
  readonly #storage: Storage;
  readonly #attempt: Attempt;
  readonly #turns: Map<number, RecordedTurn>;
  readonly #remoteRuns: Map<number, RecordedRemoteRun>;
  readonly #started: Set<string>;
  readonly #results: Map<string, ToolResult>;

  private constructor(storage: Storage, attempt: Attempt, journal: ToolJournal) {
    this.#storage = storage;
    this.#attempt = attempt;
    this.#turns = new Map(journal.turns);
    this.#remoteRuns = new Map(journal.remoteRuns);
    this.#started = new Set(journal.startedCallIds);
    this.#results = new Map(journal.results);
  }

  /** Skips the read for a response without tools and remote runs. */
  static empty(storage: Storage, attempt: Attempt): RunJournal {
    return new RunJournal(storage, attempt, {
      turns: new Map(),
      remoteRuns: new Map(),
      startedCallIds: new Set(),
      results: new Map(),
    });
  }

  static async open(storage: Storage, attempt: Attempt): Promise<RunJournal> {
    const journal = await retryUntilAvailable(() => storage.journals.read(attempt.id), attempt.control.writing);
    const opened = new RunJournal(storage, attempt, journal);
    attempt.writer.onRollback(() => opened.#rewriteAll());
    return opened;
  }

  get turns(): readonly RecordedTurn[] {
    return [...this.#turns.values()];
  }

  /**
   * The index of the next or interrupted turn. It may exceed the number of turns: an index that Redis has lost stays empty, so
   * that no later turn is overwritten.
   */
  get nextTurnIndex(): number {
    return Math.max(this.#lastTurnIndex + 1, highest(this.#remoteRuns.keys(), 0));
  }

  /** -1 before the first turn. */
  get #lastTurnIndex(): number {
    return highest(this.#turns.keys(), -1);
  }

  /** The remote run of the next or interrupted turn. */
  get remoteRun(): RecordedRemoteRun | undefined {
    return this.#remoteRuns.get(this.nextTurnIndex);
  }

  hasStarted(callId: string): boolean {
    return this.#started.has(callId);
  }

  readonly findResult = (callId: string): ToolResult | undefined => this.#results.get(callId);

  /** Tool calls that the model has asked for, in all turns. */
  get callCount(): number {
    return this.turns.flatMap((turn) => turn.segments).filter((segment) => segment.kind === "call").length;
  }

  async addTurn(turn: RecordedTurn, turnIndex = this.nextTurnIndex): Promise<void> {
    this.#turns.set(turnIndex, turn);
    await this.rewriteLastTurn();
  }

  /** Adds it right after the last turn, because a later index may have a remote run. */
  async addRebuiltTurn(turn: RecordedTurn): Promise<void> {
    await this.addTurn(turn, this.#lastTurnIndex + 1);
  }

  /** Writes the last turn again, after its segments got new ids. */
  async rewriteLastTurn(): Promise<void> {
    await this.#writeTurn([...this.#turns.keys()].at(-1)!);
  }

  async saveRemoteRun(remoteRun: RecordedRemoteRun): Promise<void> {
    const turnIndex = this.nextTurnIndex;
    this.#remoteRuns.set(turnIndex, remoteRun);
    await this.#writeRemoteRun(turnIndex);
  }

  async addStart(callId: string): Promise<void> {
    this.#started.add(callId);
    await this.#writeStart(callId);
  }

  async addResult(callId: string, result: ToolResult): Promise<void> {
    await this.#writeResult(callId, result);
    this.#results.set(callId, result);
  }

  /** Restores the journal after Redis came back from an older file. */
  async #rewriteAll(): Promise<void> {
    for (const index of this.#turns.keys()) await this.#writeTurn(index);
    for (const index of this.#remoteRuns.keys()) await this.#writeRemoteRun(index);
    for (const callId of this.#started) await this.#writeStart(callId);
    for (const [callId, result] of this.#results) await this.#writeResult(callId, result);
  }

  /** Reads the turn when the write is sent, so that a retry sends its latest state. */
  async #writeTurn(turnIndex: number): Promise<void> {
    await this.#write(({ journals }, { id, lease }) =>
      journals.writeTurn(id, lease, turnIndex, this.#turns.get(turnIndex)!),
    );
  }

  async #writeRemoteRun(turnIndex: number): Promise<void> {
    await this.#write(({ journals }, { id, lease }) =>
      journals.writeRemoteRun(id, lease, turnIndex, this.#remoteRuns.get(turnIndex)!),
    );
  }

  async #writeStart(callId: string): Promise<void> {
    await this.#write(({ journals }, { id, lease }) => journals.writeCallStart(id, lease, callId));
  }

  async #writeResult(callId: string, result: ToolResult): Promise<void> {
    await this.#write(({ journals }, { id, lease }) => journals.writeCallResult(id, lease, callId, result));
  }

  async #write(write: (storage: Storage, attempt: Attempt) => Promise<boolean>): Promise<void> {
    const signal = this.#attempt.control.writing;
    const { log } = this.#storage;
    const confirmed = () => log.writeConfirmed(() => write(this.#storage, this.#attempt), signal);
    const isWritten = await retryUntilAvailable(confirmed, signal);
    if (!isWritten) throw new LeaseLostError(`The lease of ${this.#attempt.id} belongs to another process.`);
  }
}

function highest(turnIndexes: Iterable<number>, minimum: number): number {
  let found = minimum;
  for (const index of turnIndexes) found = Math.max(found, index);
  return found;
}
