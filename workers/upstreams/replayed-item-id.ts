/**
 * Ids of items that a provider sends more than once. An item that was cut off keeps its id in the log, closed as
 * incomplete; the replayed item needs another id. It is derived from the original id and the number of earlier replays,
 * so that a later attempt that receives the item again recognizes it in the log.
 */
import { createHash } from "node:crypto";
import { itemIdPrefix } from "../../src/protocol/id.ts";

export interface ItemIdentity {
  id: string;
  type: string;
}

const DIGITS = 50;

/** The id for the item in a log that uses `used`: its original id if that is free. */
export function chooseItemId(item: ItemIdentity, used: ReadonlySet<string>): string {
  let id = item.id;
  for (let replays = 1; used.has(id); replays++) id = deriveReplayedId(item, replays);
  return id;
}

/** Whether one of `loggedIds` is this item, under any of its ids. `used` includes all of `loggedIds`. */
export function isLoggedItem(item: ItemIdentity, used: ReadonlySet<string>, loggedIds: ReadonlySet<string>): boolean {
  let id = item.id;
  for (let replays = 1; used.has(id); replays++) {
    if (loggedIds.has(id)) return true;
    id = deriveReplayedId(item, replays);
  }
  return false;
}

function deriveReplayedId({ id, type }: ItemIdentity, replays: number): string {
  const digits = createHash("sha256").update(`${id} ${replays}`).digest("hex").slice(0, DIGITS);
  return `${itemIdPrefix(type)}_${digits}`;
}
