/** Ids of the calls that a model makes: the vendor's own, unless it has none, or it cannot be told from an earlier one. */
import type { UpstreamCall } from "../upstream.ts";
import { type ItemPlace, placeId } from "../place-id.ts";

const CALL_ID = /^[\x21-\x7e]{1,64}$/;

export class MadeCallIds {
  readonly #used: Set<string>;

  constructor({ input, produced }: Pick<UpstreamCall, "input" | "produced">) {
    const items = [...input, ...produced];
    this.#used = new Set(items.flatMap((item) => ("call_id" in item && item.call_id ? [item.call_id] : [])));
  }

  choose(id: string, place: ItemPlace): string {
    const callId = CALL_ID.test(id) && !this.#used.has(id) ? id : placeId("call", place);
    this.#used.add(callId);
    return callId;
  }
}
