/**
 * What providers run in their own background for responses of this server, from its beginning until it is done with. Once
 * a response of ours is over, however it ended and whoever was alive, what was run for it is cancelled and deleted there:
 * by the run that ended it, or else by the sweeper.
 */
import type { Logger } from "pino";
import { isTerminalStatus } from "../../src/protocol/response.ts";
import type { Storage } from "../../src/responses/storage.ts";
import type { RemoteRunEntry } from "../../src/store/remote-run-registry.ts";
import type { BackgroundUpstream } from "../upstreams/upstream.ts";
import type { Upstreams } from "../upstreams/registry.ts";

const PAGE = 200;

export class RemoteRunTracker {
  readonly #storage: Storage;
  readonly #upstreams: Pick<Upstreams, "findBackground">;
  readonly #logger: Logger;
  /** Provider's responses that were seen to end in this process. */
  readonly #ended = new Set<string>();
  /** Where the next sweep goes on, if the last one met a provider that could not be asked. */
  #sweepCursor: RemoteRunEntry | undefined;

  constructor(storage: Storage, upstreams: Pick<Upstreams, "findBackground">, logger: Logger) {
    this.#storage = storage;
    this.#upstreams = upstreams;
    this.#logger = logger;
  }

  /** Undefined if the provider is not configured any more, or not to run in the background. */
  findUpstream(provider: string): BackgroundUpstream | undefined {
    const found = this.#upstreams.findBackground(provider);
    return found?.isEnabled === true ? found.upstream : undefined;
  }

  async track(entry: RemoteRunEntry): Promise<void> {
    await this.#storage.remoteRunRegistry.add(entry);
  }

  noteEnded(entry: RemoteRunEntry): void {
    this.#ended.add(keyOf(entry));
  }

  /** Ends what was run for a response that is over. Of one that is not, another worker needs it. Never rejects. */
  async cleanUp(responseId: string): Promise<void> {
    try {
      await this.#cleanUp(responseId, await this.#storage.remoteRunRegistry.listOfResponse(responseId));
    } catch (err) {
      this.#logger.warn({ err, responseId }, "Could not look after the provider's responses; the sweeper will");
    }
  }

  async sweep(): Promise<void> {
    for (;;) {
      const page = await this.#storage.remoteRunRegistry.list(this.#sweepCursor, PAGE);
      const byResponse = Map.groupBy(page, ({ responseId }) => responseId);
      const settled = await Promise.all([...byResponse].map(([id, entries]) => this.#cleanUp(id, entries)));
      this.#sweepCursor = page.length < PAGE ? undefined : page.at(-1);
      // A provider that does not answer costs each page seconds: the sweep of our own responses comes first.
      if (this.#sweepCursor === undefined || settled.includes(false)) return;
    }
  }

  /** False if a provider could not be asked. */
  async #cleanUp(responseId: string, entries: readonly RemoteRunEntry[]): Promise<boolean> {
    if (entries.length === 0) return true;
    const record = await this.#storage.records.readIncludingDeleted(responseId);
    if (record !== undefined && !isTerminalStatus(record.status) && record.ending === "") return true;
    const abandoned = await Promise.all(entries.map((entry) => this.#endRun(entry)));
    return !abandoned.includes(false);
  }

  async #endRun(entry: RemoteRunEntry): Promise<boolean> {
    const logger = this.#logger;
    const { responseId, provider, id } = entry;
    const found = this.#upstreams.findBackground(provider);
    try {
      if (found === undefined) logger.warn({ ...entry }, "The provider of a response is not configured any more");
      await found?.upstream.cancelAndDelete(id, this.#ended.delete(keyOf(entry)));
    } catch (err) {
      logger.warn(
        { err, responseId, provider, upstreamId: id },
        "The provider could not be told that a response is over",
      );
      return false;
    }
    await this.#storage.remoteRunRegistry.remove(entry);
    return true;
  }
}

function keyOf({ provider, id }: RemoteRunEntry): string {
  return `${provider} ${id}`;
}
