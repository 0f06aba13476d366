/**
 * What providers run in their own background for responses of this server, from its beginning until it is done with. Once
 * a response of ours is over, however it ended and whoever was alive, what was run for it is cancelled and deleted there:
 * by the run that ended it, or else by the sweeper.
 */
import { isTerminalStatus } from "../../src/protocol/response.ts";
import type { Storage } from "../../src/responses/storage.ts";
import type { UpstreamResponse } from "../../src/store/upstream-responses.ts";
import type { BackgroundUpstream } from "../upstreams/upstream.ts";
import type { Upstreams } from "../upstreams/registry.ts";

const PAGE = 200;

export class BackgroundUpstreams {
  readonly #storage: Storage;
  readonly #upstreams: Pick<Upstreams, "inBackground">;
  /** Provider's responses that were seen to end in this process. */
  readonly #over = new Set<string>();
  /** Where the next sweep goes on, if the last one met a provider that could not be asked. */
  #sweptTo: UpstreamResponse | undefined;

  constructor(storage: Storage, upstreams: Pick<Upstreams, "inBackground">) {
    this.#storage = storage;
    this.#upstreams = upstreams;
  }

  /** Undefined if the provider is not configured any more, or not to run in the background. */
  find(provider: string): BackgroundUpstream | undefined {
    const found = this.#upstreams.inBackground(provider);
    return found?.isEnabled === true ? found.upstream : undefined;
  }

  async add(entry: UpstreamResponse): Promise<void> {
    await this.#storage.upstreamResponses.add(entry);
  }

  noteOver(entry: UpstreamResponse): void {
    this.#over.add(keyOf(entry));
  }

  /** Ends what was run for a response that is over. Of one that is not, another worker needs it. Never rejects. */
  async settle(responseId: string): Promise<void> {
    try {
      await this.#settle(responseId, await this.#storage.upstreamResponses.of(responseId));
    } catch (err) {
      this.#storage.logger.warn({ err, responseId }, "Could not look after the provider's responses; the sweeper will");
    }
  }

  async sweep(): Promise<void> {
    for (;;) {
      const page = await this.#storage.upstreamResponses.list(this.#sweptTo, PAGE);
      const byResponse = Map.groupBy(page, ({ responseId }) => responseId);
      const settled = await Promise.all([...byResponse].map(([id, entries]) => this.#settle(id, entries)));
      this.#sweptTo = page.length < PAGE ? undefined : page.at(-1);
      // A provider that does not answer costs each page seconds: the sweep of our own responses comes first.
      if (this.#sweptTo === undefined || settled.includes(false)) return;
    }
  }

  /** False if a provider could not be asked. */
  async #settle(responseId: string, entries: readonly UpstreamResponse[]): Promise<boolean> {
    if (entries.length === 0) return true;
    const record = await this.#storage.records.readEvenDeleted(responseId);
    if (record !== undefined && !isTerminalStatus(record.status) && record.ending === "") return true;
    const abandoned = await Promise.all(entries.map((entry) => this.#abandon(entry)));
    return !abandoned.includes(false);
  }

  async #abandon(entry: UpstreamResponse): Promise<boolean> {
    const { logger, upstreamResponses } = this.#storage;
    const { responseId, provider, id } = entry;
    const found = this.#upstreams.inBackground(provider);
    try {
      if (found === undefined) logger.warn({ ...entry }, "The provider of a response is not configured any more");
      await found?.upstream.abandon(id, this.#over.delete(keyOf(entry)));
    } catch (err) {
      logger.warn(
        { err, responseId, provider, upstreamId: id },
        "The provider could not be told that a response is over",
      );
      return false;
    }
    await upstreamResponses.remove(entry);
    return true;
  }
}

function keyOf({ provider, id }: UpstreamResponse): string {
  return `${provider} ${id}`;
}
