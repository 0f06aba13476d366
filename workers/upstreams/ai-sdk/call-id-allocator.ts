/** Allocates call ids: the vendor's own id, unless it is missing, invalid or already used. */
import type { UpstreamCall } from "../upstream.ts";
import { type ItemPosition, deriveItemId } from "../derive-item-id.ts";

const CALL_ID = /^[\x21-\x7e]{1,64}$/;

export class CallIdAllocator {
  readonly #used: Set<string>;

  constructor({ history, completedItems }: Pick<UpstreamCall, "history" | "completedItems">) {
    const items = [...history, ...completedItems];
    this.#used = new Set(items.flatMap((item) => ("call_id" in item && item.call_id ? [item.call_id] : [])));
  }

  allocate(id: string, position: ItemPosition): string {
    const callId = CALL_ID.test(id) && !this.#used.has(id) ? id : deriveItemId("call", position);
    this.#used.add(callId);
    return callId;
  }
}
