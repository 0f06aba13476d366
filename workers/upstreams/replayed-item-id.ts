/**
 * The ids of items that are told more than once. An item that was cut off keeps its id in the log, closed as incomplete; told
 * again it needs another. Which one follows from its own id and from those that are used, so that a run that comes later,
 * and is told the item once more, sees that the log has it.
 */
import { createHash } from "node:crypto";
import { itemIdPrefix } from "../../src/protocol/id.ts";

export interface ItemIdentity {
  id: string;
  type: string;
}

const DIGITS = 50;

/** The id under which the item goes into a log that uses `used`: its own if it is free. */
export function chooseItemId(item: ItemIdentity, used: ReadonlySet<string>): string {
  let id = item.id;
  for (let times = 1; used.has(id); times++) id = deriveReplayedId(item, times);
  return id;
}

/** Whether one of `kept` is this item, under whichever of its ids. All of `kept` are among `used`. */
export function isLoggedItem(item: ItemIdentity, used: ReadonlySet<string>, kept: ReadonlySet<string>): boolean {
  let id = item.id;
  for (let times = 1; used.has(id); times++) {
    if (kept.has(id)) return true;
    id = deriveReplayedId(item, times);
  }
  return false;
}

function deriveReplayedId({ id, type }: ItemIdentity, times: number): string {
  const digits = createHash("sha256").update(`${id} ${times}`).digest("hex").slice(0, DIGITS);
  return `${itemIdPrefix(type)}_${digits}`;
}
