/**
 * The stores that this process has in memory, up to a number of bytes; the least recently used is dropped first. A store
 * that is larger than this is loaded for each search. Every read asks Redis for the store's revision.
 */
import { LRUCache } from "lru-cache";
import { FairSemaphore } from "../concurrency/fair-semaphore.ts";
import type { StoredIndex } from "../store/search-index/stored-index.ts";
import { loadStore } from "./load-store.ts";
import { EMPTY_STORE, type LoadedStore } from "./loaded-store.ts";

/** Stores that are loaded at a time: each needs memory before the cache can count it. */
const CONCURRENT_LOADS = 2;
/** Loads that wait for their turn, over all stores. */
const MAX_WAITING = 1_000;
/** A lone entry counts at least this, so that empty stores do not fill the process. */
const MIN_ENTRY_BYTES = 1_000;

export class StoreCache {
  readonly #index: StoredIndex;
  readonly #stores: LRUCache<string, LoadedStore>;
  readonly #loading = new Map<string, Promise<LoadedStore>>();
  readonly #loads = new FairSemaphore({ permits: CONCURRENT_LOADS, reservePercent: 0, maxWaiting: MAX_WAITING });

  constructor(index: StoredIndex, maxBytes: number) {
    this.#index = index;
    this.#stores = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ bytes }) => Math.max(MIN_ENTRY_BYTES, bytes),
    });
  }

  /** Bytes in memory, approximately. */
  get bytes(): number {
    return this.#stores.calculatedSize;
  }

  /** Has every change that was complete when it was called. Rejects with a SemaphoreFullError under too many loads. */
  async read(storeId: string): Promise<LoadedStore> {
    const { revision } = await this.#index.readState(storeId);
    if (revision === 0) {
      this.#stores.delete(storeId);
      return EMPTY_STORE;
    }
    for (;;) {
      const cached = this.#stores.get(storeId);
      if (cached?.revision === revision) return cached;
      const running = this.#loading.get(storeId);
      if (running === undefined) return await this.#startLoading(storeId);
      // It may have begun before the revision that this read needs. Its own readers see its error.
      const loaded = await running.catch(() => undefined);
      if (loaded !== undefined && loaded.revision >= revision) return loaded;
    }
  }

  async #startLoading(storeId: string): Promise<LoadedStore> {
    const loading = this.#load(storeId).finally(() => this.#loading.delete(storeId));
    this.#loading.set(storeId, loading);
    return await loading;
  }

  async #load(storeId: string): Promise<LoadedStore> {
    using _permit = await this.#loads.acquire("", new AbortController().signal);
    // Read again: the load has waited, and a change since then would cost another one.
    const state = await this.#index.readState(storeId);
    if (state.revision === 0) return EMPTY_STORE;
    const loaded = await loadStore(this.#index, storeId, state, this.#stores.peek(storeId) ?? EMPTY_STORE);
    this.#stores.set(storeId, loaded);
    return loaded;
  }
}
