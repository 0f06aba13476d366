/**
 * A turn's hold on the response that its provider runs for it. Three places are written, in this order: the set of what
 * providers run (so that it is ended with ours, whoever dies), our log, and the journal (so that another worker goes on).
 *
 *   - A crash before the provider named its response: the call is made again, under the same `Idempotency-Key`.
 *   - Before the journal has it: the same, and what was begun is ended with our response.
 *   - Between an item in the log and its cursor: the item is told again, and known by its id.
 */
import type { Logger } from "pino";
import type { RemoteRunTracker } from "./remote-run-tracker.ts";
import { isLoggedItem, type ItemIdentity } from "../upstreams/replayed-item-id.ts";
import type { Run } from "../attempt/run.ts";
import type { RunJournal } from "../attempt/run-journal.ts";
import type { OutputRouter } from "../turn/output-router.ts";
import type { RemoteRun, BackgroundUpstream, RemoteRunHandle } from "../upstreams/upstream.ts";

interface TurnRemoteRunOptions {
  run: Run;
  journal: RunJournal;
  remoteRuns: RemoteRunTracker;
  /** Calls, and what comes behind them, are in the log only when the turn is over. */
  router: Pick<OutputRouter, "segments">;
  /** Ids of all items that the response had before. */
  usedIds: ReadonlySet<string>;
}

export interface ResumableRun {
  upstream: BackgroundUpstream;
  remoteRun: RemoteRun;
}

/** What the provider runs for the turn that was cut off, and who can go on with it. */
export function findResumableRun(
  journal: RunJournal,
  background: RemoteRunTracker | undefined,
): ResumableRun | undefined {
  const { remoteRun } = journal;
  if (remoteRun === undefined || remoteRun.isLost) return undefined;
  const upstream = background?.findUpstream(remoteRun.provider);
  return upstream && { upstream, remoteRun };
}

export class TurnRemoteRun implements RemoteRunHandle {
  readonly #options: TurnRemoteRunOptions;
  readonly #loggedIds: ReadonlySet<string>;
  readonly previous: RemoteRun | undefined;
  readonly #round: number;
  readonly #known = new Set<string>();

  /** `kept` are the turn's completed items. */
  constructor(options: TurnRemoteRunOptions, kept: readonly ItemIdentity[], last: RemoteRun | undefined) {
    this.#options = options;
    this.#loggedIds = new Set(kept.map((item) => item.id));
    this.previous = last;
    const before = options.journal.remoteRun;
    this.#round = before === undefined ? 0 : before.round + (before.isLost ? 1 : 0);
    if (last !== undefined) this.#known.add(last.id);
  }

  get idempotencyKey(): string {
    const { run, journal } = this.#options;
    return `${run.id}-${journal.nextTurnIndex}-${this.#round}`;
  }

  readonly isLogged = (item: ItemIdentity): boolean => isLoggedItem(item, this.#options.usedIds, this.#loggedIds);

  async save(attachment: RemoteRun): Promise<void> {
    const { run, journal, remoteRuns, router } = this.#options;
    if (!this.#known.has(attachment.id)) {
      await remoteRuns.track({ responseId: run.id, ...attachment });
      this.#known.add(attachment.id);
    } else if (router.segments.length > 0) {
      return;
    }
    await run.writer.flush();
    await journal.saveRemoteRun({ ...attachment, round: this.#round, isLost: false });
  }

  async forget(): Promise<void> {
    const { journal } = this.#options;
    const { remoteRun } = journal;
    if (remoteRun !== undefined && !remoteRun.isLost) await journal.saveRemoteRun({ ...remoteRun, isLost: true });
  }

  noteEnded(attachment: Pick<RemoteRun, "provider" | "id">): void {
    this.#options.remoteRuns.noteEnded({ responseId: this.#options.run.id, ...attachment });
  }

  async abandon(attachment: Pick<RemoteRun, "provider" | "id">): Promise<void> {
    const { run, remoteRuns } = this.#options;
    await remoteRuns.track({ responseId: run.id, ...attachment });
    await remoteRuns.cleanUp(run.id);
  }
}

/** The provider has lost it: the next call of the turn is another one. */
export async function markRemoteRunLost(logger: Logger, run: Run, journal: RunJournal): Promise<number> {
  const { remoteRun } = journal;
  if (remoteRun === undefined) return 0;
  logger.warn({ responseId: run.id, ...remoteRun }, "The provider has lost a response; it is asked anew");
  await journal.saveRemoteRun({ ...remoteRun, isLost: true });
  return remoteRun.round + 1;
}
