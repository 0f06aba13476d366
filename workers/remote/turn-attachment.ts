/**
 * A turn's hold on the response that its provider runs for it. Three places are written, in this order: the set of what
 * providers run (so that it is ended with ours, whoever dies), our log, and the journal (so that another worker goes on).
 *
 *   - A crash before the provider named its response: the call is made again, under the same `Idempotency-Key`.
 *   - Before the journal has it: the same, and what was begun is ended with our response.
 *   - Between an item in the log and its cursor: the item is told again, and known by its id.
 */
import type { Storage } from "../../src/responses/storage.ts";
import type { BackgroundUpstreams } from "./background-upstreams.ts";
import { isKept, type ToldItem } from "../upstreams/retold-item.ts";
import type { Run } from "../attempt/run.ts";
import type { RunJournal } from "../attempt/run-journal.ts";
import type { TurnRelay } from "../turn/turn-relay.ts";
import type { Attachment, BackgroundUpstream, CallAttachment } from "../upstreams/upstream.ts";

interface TurnAttachmentOptions {
  run: Run;
  journal: RunJournal;
  background: BackgroundUpstreams;
  /** Calls, and what comes behind them, are in the log only when the turn is over. */
  relay: Pick<TurnRelay, "segments">;
  /** Ids of all items that the response had before. */
  usedIds: ReadonlySet<string>;
}

export interface HeldTurn {
  upstream: BackgroundUpstream;
  attachment: Attachment;
}

/** What the provider runs for the turn that was cut off, and who can go on with it. */
export function heldTurn(journal: RunJournal, background: BackgroundUpstreams | undefined): HeldTurn | undefined {
  const { attachment } = journal;
  if (attachment === undefined || attachment.isLost) return undefined;
  const upstream = background?.find(attachment.provider);
  return upstream && { upstream, attachment };
}

export class TurnAttachment implements CallAttachment {
  readonly #options: TurnAttachmentOptions;
  readonly #keptIds: ReadonlySet<string>;
  readonly last: Attachment | undefined;
  readonly #round: number;
  readonly #known = new Set<string>();

  /** `kept` are the turn's completed items. */
  constructor(options: TurnAttachmentOptions, kept: readonly ToldItem[], last: Attachment | undefined) {
    this.#options = options;
    this.#keptIds = new Set(kept.map((item) => item.id));
    this.last = last;
    const before = options.journal.attachment;
    this.#round = before === undefined ? 0 : before.round + (before.isLost ? 1 : 0);
    if (last !== undefined) this.#known.add(last.id);
  }

  get key(): string {
    const { run, journal } = this.#options;
    return `${run.id}-${journal.nextPlace}-${this.#round}`;
  }

  readonly isTold = (item: ToldItem): boolean => isKept(item, this.#options.usedIds, this.#keptIds);

  async save(attachment: Attachment): Promise<void> {
    const { run, journal, background, relay } = this.#options;
    if (!this.#known.has(attachment.id)) {
      await background.add({ responseId: run.id, ...attachment });
      this.#known.add(attachment.id);
    } else if (relay.segments.length > 0) {
      return;
    }
    await run.writer.flush();
    await journal.saveAttachment({ ...attachment, round: this.#round, isLost: false });
  }

  async forget(): Promise<void> {
    const { journal } = this.#options;
    const { attachment } = journal;
    if (attachment !== undefined && !attachment.isLost) await journal.saveAttachment({ ...attachment, isLost: true });
  }

  noteOver(attachment: Pick<Attachment, "provider" | "id">): void {
    this.#options.background.noteOver({ responseId: this.#options.run.id, ...attachment });
  }

  async leave(attachment: Pick<Attachment, "provider" | "id">): Promise<void> {
    const { run, background } = this.#options;
    await background.add({ responseId: run.id, ...attachment });
    await background.settle(run.id);
  }
}

/** The provider has lost it: the next call of the turn is another one. */
export async function loseAttachment(storage: Storage, run: Run, journal: RunJournal): Promise<number> {
  const { attachment } = journal;
  if (attachment === undefined) return 0;
  storage.logger.warn({ responseId: run.id, ...attachment }, "The provider has lost a response; it is asked anew");
  await journal.saveAttachment({ ...attachment, isLost: true });
  return attachment.round + 1;
}
