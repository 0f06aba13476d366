/**
 * The remote run of one turn. `save` writes to three stores, in this order: the registry of remote runs (so that the remote
 * run ends with the response, whichever process crashes), the log, and the journal (so that another worker can resume).
 *
 *   - A crash before the provider has named its response: the next attempt calls it again, with the same `Idempotency-Key`.
 *   - A crash before the journal has the remote run: the same, and the first remote run ends with the response.
 *   - A crash between an item in the log and its cursor: the provider sends the item again, and its id marks it as logged.
 */
import type { Logger } from "pino";
import type { RemoteRunTracker } from "./remote-run-tracker.ts";
import { isLoggedItem, type ItemIdentity } from "../upstreams/replayed-item-id.ts";
import type { Attempt } from "../attempt/attempt.ts";
import type { RunJournal } from "../attempt/run-journal.ts";
import type { OutputRouter } from "../turn/output-router.ts";
import type { RemoteRun, BackgroundUpstream, RemoteRunHandle } from "../upstreams/upstream.ts";

interface TurnRemoteRunOptions {
  attempt: Attempt;
  journal: RunJournal;
  remoteRuns: RemoteRunTracker;
  /** After the turn's first tool call, its items reach the log only when the turn ends. */
  router: Pick<OutputRouter, "segments">;
  /** Ids of all items that the response had before the turn. */
  usedIds: ReadonlySet<string>;
}

export interface ResumableRun {
  upstream: BackgroundUpstream;
  remoteRun: RemoteRun;
}

/** The remote run of an interrupted turn, and the upstream that can resume it. */
export function findResumableRun(
  journal: RunJournal,
  remoteRuns: RemoteRunTracker | undefined,
): ResumableRun | undefined {
  const { remoteRun } = journal;
  if (remoteRun === undefined || remoteRun.isLost) return undefined;
  const upstream = remoteRuns?.findUpstream(remoteRun.provider);
  return upstream && { upstream, remoteRun };
}

export class TurnRemoteRun implements RemoteRunHandle {
  readonly #options: TurnRemoteRunOptions;
  readonly #loggedIds: ReadonlySet<string>;
  readonly previous: RemoteRun | undefined;
  readonly #round: number;
  readonly #trackedIds = new Set<string>();

  /** `completed` are the turn's items in the log. */
  constructor(options: TurnRemoteRunOptions, completed: readonly ItemIdentity[], previous: RemoteRun | undefined) {
    this.#options = options;
    this.#loggedIds = new Set(completed.map((item) => item.id));
    this.previous = previous;
    const before = options.journal.remoteRun;
    this.#round = before === undefined ? 0 : before.round + (before.isLost ? 1 : 0);
    if (previous !== undefined) this.#trackedIds.add(previous.id);
  }

  get idempotencyKey(): string {
    const { attempt, journal } = this.#options;
    return `${attempt.id}-${journal.nextTurnIndex}-${this.#round}`;
  }

  readonly isLogged = (item: ItemIdentity): boolean => isLoggedItem(item, this.#options.usedIds, this.#loggedIds);

  async save(remoteRun: RemoteRun): Promise<void> {
    const { attempt, journal, remoteRuns, router } = this.#options;
    if (!this.#trackedIds.has(remoteRun.id)) {
      await remoteRuns.track({ responseId: attempt.id, ...remoteRun });
      this.#trackedIds.add(remoteRun.id);
    } else if (router.segments.length > 0) {
      return;
    }
    await attempt.writer.flush();
    await journal.saveRemoteRun({ ...remoteRun, round: this.#round, isLost: false });
  }

  async forget(): Promise<void> {
    const { journal } = this.#options;
    const { remoteRun } = journal;
    if (remoteRun !== undefined && !remoteRun.isLost) await journal.saveRemoteRun({ ...remoteRun, isLost: true });
  }

  noteEnded(remoteRun: Pick<RemoteRun, "provider" | "id">): void {
    this.#options.remoteRuns.noteEnded({ responseId: this.#options.attempt.id, ...remoteRun });
  }

  async abandon(remoteRun: Pick<RemoteRun, "provider" | "id">): Promise<void> {
    const { attempt, remoteRuns } = this.#options;
    await remoteRuns.track({ responseId: attempt.id, ...remoteRun });
    await remoteRuns.cleanUp(attempt.id);
  }
}

/** Records that the provider lost the turn's remote run, so that the next call starts another. Returns the losses so far. */
export async function markRemoteRunLost(logger: Logger, attempt: Attempt, journal: RunJournal): Promise<number> {
  const { remoteRun } = journal;
  if (remoteRun === undefined) return 0;
  logger.warn({ responseId: attempt.id, ...remoteRun }, "The provider lost a remote run; calling it again");
  await journal.saveRemoteRun({ ...remoteRun, isLost: true });
  return remoteRun.round + 1;
}
