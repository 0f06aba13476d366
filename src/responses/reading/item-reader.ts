/**
 * Finds an item by its id in the response or conversation that holds it. Conversations and inputs are read item by item. An
 * output is read whole, because it is part of the terminal event, so the reader caches a few outputs.
 */
import { LRUCache } from "lru-cache";
import { isConversationId } from "../../protocol/id.ts";
import type { InputItem, OutputItem } from "../../protocol/item.ts";
import type { Response } from "../../protocol/response.ts";
import { parseInSlices } from "../../concurrency/parse-in-slices.ts";
import { readResponse } from "./read-response.ts";
import type { Storage } from "../storage.ts";

type Item = InputItem | OutputItem;

export interface FoundItem {
  item: Item;
  /** Size of the item's JSON. */
  bytes: number;
}

const MAX_CACHED_OUTPUTS = 8;

/** Serves one request of one project, and caches its lookups. */
export class ItemReader {
  readonly #storage: Storage;
  readonly #project: string;
  readonly #owned = new Map<string, Promise<boolean>>();
  readonly #outputs = new LRUCache<string, Promise<readonly OutputItem[]>>({ max: MAX_CACHED_OUTPUTS });

  constructor(storage: Storage, project: string) {
    this.#storage = storage;
    this.#project = project;
  }

  /** The item from its newest owner. Undefined if no response or conversation of the project holds it. */
  async read(itemId: string): Promise<FoundItem | undefined> {
    for (const owner of await this.#storage.itemIndex.findOwners(this.#project, itemId)) {
      if (!(await this.#isOwned(owner))) continue;
      const json = isConversationId(owner)
        ? await this.#storage.conversations.readItemJson(owner, itemId)
        : ((await this.#storage.records.readInputItem(owner, itemId)) ?? (await this.#readOutputItem(owner, itemId)));
      const item = json === undefined ? undefined : await parseInSlices<Item>(json);
      if (item !== undefined && item.type !== "item_reference") return { item, bytes: Buffer.byteLength(json!) };
    }
    return undefined;
  }

  async #isOwned(owner: string): Promise<boolean> {
    const { conversations, records } = this.#storage;
    let owned = this.#owned.get(owner);
    if (owned === undefined) {
      const read = (isConversationId(owner) ? conversations : records).readOwned(owner, this.#project);
      this.#owned.set(owner, (owned = read.then((record) => record !== undefined)));
    }
    return await owned;
  }

  async #readOutputItem(owner: string, itemId: string): Promise<string | undefined> {
    const item = (await this.#outputOf(owner)).find(({ id }) => id === itemId);
    return item && JSON.stringify(item);
  }

  async #outputOf(owner: string): Promise<readonly OutputItem[]> {
    let output = this.#outputs.get(owner);
    if (output === undefined) {
      this.#outputs.set(owner, (output = readOutput(this.#storage, owner)));
    }
    return await output;
  }
}

async function readOutput(storage: Storage, id: string): Promise<readonly OutputItem[]> {
  const read = await readResponse(storage, id);
  return read === undefined ? [] : (await parseInSlices<Response>(read.json)).output;
}
