/**
 * Remote runs, from their start until the provider has deleted them. Once a response is over, its remote runs are cancelled
 * and deleted at the provider: by the attempt that ended it, or else by the sweeper.
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
  /** Remote runs whose end this process has seen. */
  readonly #ended = new Set<string>();
  /** Start of the next sweep, if a provider was unreachable in the last one. */
  #sweepCursor: RemoteRunEntry | undefined;

  constructor(storage: Storage, upstreams: Pick<Upstreams, "findBackground">, logger: Logger) {
    this.#storage = storage;
    this.#upstreams = upstreams;
    this.#logger = logger;
  }

  /** Undefined if the configuration lacks the provider, or its background mode. */
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

  /** Ends the remote runs of a response that is over. A running response still needs them. Never rejects. */
  async cleanUp(responseId: string): Promise<void> {
    try {
      await this.#cleanUp(responseId, await this.#storage.remoteRunRegistry.listOfResponse(responseId));
    } catch (err) {
      this.#logger.warn({ err, responseId }, "Could not end the remote runs of a response; the sweeper will");
    }
  }

  async sweep(): Promise<void> {
    for (;;) {
      const page = await this.#storage.remoteRunRegistry.list(this.#sweepCursor, PAGE);
      const byResponse = Map.groupBy(page, ({ responseId }) => responseId);
      const settled = await Promise.all([...byResponse].map(([id, entries]) => this.#cleanUp(id, entries)));
      this.#sweepCursor = page.length < PAGE ? undefined : page.at(-1);
      // An unreachable provider delays each page by seconds. Sweeping responses matters more.
      if (this.#sweepCursor === undefined || settled.includes(false)) return;
    }
  }

  /** False if a provider was unreachable. */
  async #cleanUp(responseId: string, entries: readonly RemoteRunEntry[]): Promise<boolean> {
    if (entries.length === 0) return true;
    const record = await this.#storage.records.readIncludingDeleted(responseId);
    if (record !== undefined && !isTerminalStatus(record.status) && record.ending === "") return true;
    const areEnded = await Promise.all(entries.map((entry) => this.#endRun(entry)));
    return !areEnded.includes(false);
  }

  async #endRun(entry: RemoteRunEntry): Promise<boolean> {
    const logger = this.#logger;
    const { responseId, provider, id } = entry;
    const found = this.#upstreams.findBackground(provider);
    try {
      if (found === undefined) logger.warn({ ...entry }, "The provider of a remote run is not configured any more");
      await found?.upstream.cancelAndDelete(id, this.#ended.delete(keyOf(entry)));
    } catch (err) {
      logger.warn({ err, responseId, provider, upstreamId: id }, "Could not end a remote run at its provider");
      return false;
    }
    await this.#storage.remoteRunRegistry.remove(entry);
    return true;
  }
}

function keyOf({ provider, id }: RemoteRunEntry): string {
  return `${provider} ${id}`;
}
