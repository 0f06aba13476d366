/** A run's hold on the journal of its tool calls: what it writes is fenced by its lease, and waits out a Redis that is away. */
import { retryUntilAvailable } from "../../src/redis/retry-until-available.ts";
import type { Storage } from "../../src/responses/storage.ts";
import type { RecordedRemoteRun, RecordedTurn, ToolJournal, ToolResult } from "../../src/store/tool-journal.ts";
import { LeaseLostError } from "../../src/stream/log/event-writer.ts";
import type { Attempt } from "./attempt.ts";

export class RunJournal {
  readonly #storage: Storage;
  readonly #run: Attempt;
  readonly #turns: Map<number, RecordedTurn>;
  readonly #remoteRuns: Map<number, RecordedRemoteRun>;
  readonly #started: Set<string>;
  readonly #results: Map<string, ToolResult>;

  private constructor(storage: Storage, run: Attempt, journal: ToolJournal) {
    this.#storage = storage;
    this.#run = run;
    this.#turns = new Map(journal.turns);
    this.#remoteRuns = new Map(journal.remoteRuns);
    this.#started = new Set(journal.startedCallIds);
    this.#results = new Map(journal.results);
  }

  /** For a response without tools, of a provider without a background, there is nothing to read. */
  static empty(storage: Storage, run: Attempt): RunJournal {
    return new RunJournal(storage, run, {
      turns: new Map(),
      remoteRuns: new Map(),
      startedCallIds: new Set(),
      results: new Map(),
    });
  }

  static async open(storage: Storage, run: Attempt): Promise<RunJournal> {
    const journal = await retryUntilAvailable(() => storage.journals.read(run.id), run.control.writing);
    const opened = new RunJournal(storage, run, journal);
    run.writer.onRollback(() => opened.#rewriteAll());
    return opened;
  }

  get turns(): readonly RecordedTurn[] {
    return [...this.#turns.values()];
  }

  /**
   * The place of the turn that is to come, or was cut off. It is not their number: of turns that Redis has lost the
   * places stay empty, and those that it kept are not written over.
   */
  get nextTurnIndex(): number {
    return Math.max(this.#lastTurnIndex + 1, highest(this.#remoteRuns.keys(), 0));
  }

  /** -1 before the first turn. */
  get #lastTurnIndex(): number {
    return highest(this.#turns.keys(), -1);
  }

  /** What the provider runs for the turn that is to come, or was cut off. */
  get remoteRun(): RecordedRemoteRun | undefined {
    return this.#remoteRuns.get(this.nextTurnIndex);
  }

  hasStarted(callId: string): boolean {
    return this.#started.has(callId);
  }

  readonly findResult = (callId: string): ToolResult | undefined => this.#results.get(callId);

  /** How many calls of tools the response has asked for. */
  get callCount(): number {
    return this.turns.flatMap((turn) => turn.segments).filter((segment) => segment.kind === "call").length;
  }

  async addTurn(turn: RecordedTurn, turnIndex = this.nextTurnIndex): Promise<void> {
    this.#turns.set(turnIndex, turn);
    await this.rewriteLastTurn();
  }

  /** In the first place behind the last turn: what a provider runs for a turn after it may still be known. */
  async addRebuiltTurn(turn: RecordedTurn): Promise<void> {
    await this.addTurn(turn, this.#lastTurnIndex + 1);
  }

  /** After its segments were given other ids. */
  async rewriteLastTurn(): Promise<void> {
    await this.#writeTurn([...this.#turns.keys()].at(-1)!);
  }

  async saveRemoteRun(attachment: RecordedRemoteRun): Promise<void> {
    const place = this.nextTurnIndex;
    this.#remoteRuns.set(place, attachment);
    await this.#writeRemoteRun(place);
  }

  async addStart(callId: string): Promise<void> {
    this.#started.add(callId);
    await this.#writeStart(callId);
  }

  async addResult(callId: string, result: ToolResult): Promise<void> {
    await this.#writeResult(callId, result);
    this.#results.set(callId, result);
  }

  /** Redis came back from an older file: whatever it had of the journal, it has all of it now. */
  async #rewriteAll(): Promise<void> {
    for (const place of this.#turns.keys()) await this.#writeTurn(place);
    for (const place of this.#remoteRuns.keys()) await this.#writeRemoteRun(place);
    for (const callId of this.#started) await this.#writeStart(callId);
    for (const [callId, result] of this.#results) await this.#writeResult(callId, result);
  }

  /** As it is when Redis takes it: of two writes the later one has the newer turn. */
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

  async #write(write: (storage: Storage, run: Attempt) => Promise<boolean>): Promise<void> {
    const signal = this.#run.control.writing;
    const { log } = this.#storage;
    const confirmed = () => log.writeConfirmed(() => write(this.#storage, this.#run), signal);
    const isWritten = await retryUntilAvailable(confirmed, signal);
    if (!isWritten) throw new LeaseLostError(`The lease of ${this.#run.id} was taken by somebody else.`);
  }
}

function highest(turnIndexes: Iterable<number>, least: number): number {
  let found = least;
  for (const place of turnIndexes) found = Math.max(found, place);
  return found;
}
