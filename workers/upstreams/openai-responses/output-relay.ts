/**
 * Passes on a provider's item events as one legal log (contract 01 §1.4), also on items of types that are not known here.
 *
 *   - `output_index` counts the items of this call from 0: the nth index that the provider adds is n.
 *   - Every event lies between its item's added and done, and names the item by the id it was added with. What was left
 *     out (an added, the start or the end of a part) is put in; what comes too late or belongs to nothing is dropped, because
 *     `output_item.done` brings the item whole.
 */
import { applyEvent, type ResponseState } from "../../../src/lifecycle/apply-event.ts";
import { closeOpenItems } from "../../../src/lifecycle/end-response.ts";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { ItemStatus } from "../../../src/protocol/items/status.ts";
import type { Response } from "../../../src/protocol/response.ts";
import { freeItemId } from "../../retold-item.ts";
import { OpenEnds } from "./endings.ts";
import { completeItem, emptied } from "./items.ts";
import { completeEvent, type PartStart, partStartedBy, partThatMustBeOpen } from "./part-events.ts";
import { asArray, asIndex, asString, isObject, type Json, type ProviderEvent } from "../provider/json.ts";

type IsTold = (item: { id: string; type: string }) => boolean;

export class OutputRelay {
  /** What was passed on so far, folded; of the response only `output` means anything. */
  #state: ResponseState = { response: { output: [] } as unknown as Response, openIndices: new Set() };
  /** From the provider's `output_index` to ours. */
  readonly #places = new Map<number, number>();
  readonly #openParts = new Set<string>();
  /** By place. */
  readonly #openEnds = new Map<number, OpenEnds>();

  readonly #isTold: IsTold;

  /** Of what `isTold` knows nothing is passed on. */
  constructor(isTold: IsTold = () => false) {
    this.#isTold = isTold;
  }

  /** Whether every item that was passed on is done, and none of them was cut off. */
  get isSettled(): boolean {
    return !this.hasOpenItems && this.#output.every((item) => item.status !== "incomplete");
  }

  get hasOpenItems(): boolean {
    return this.#state.openIndices.size > 0;
  }

  /** Whether any event was passed on. */
  get started(): boolean {
    return this.#output.length > 0;
  }

  *relay(event: ProviderEvent): Generator<ItemEventDraft> {
    switch (event.type) {
      case "response.output_item.added":
        return yield* this.#add(event);
      case "response.output_item.done":
        return yield* this.#finish(event);
      default:
        return yield* this.#passOn(event);
    }
  }

  /**
   * At the end: closes the items that the provider left open. `response` is its final snapshot, which has the better
   * version of them, and is the only source of items at a server that streams none, or when the stream broke off.
   */
  *close(response: unknown, status: "completed" | "incomplete", { isBroken = false } = {}): Generator<ItemEventDraft> {
    const output = isObject(response) ? asArray(response["output"]) : [];
    if (!this.started || isBroken) {
      for (const [output_index, item] of output.entries()) yield* this.#finish({ output_index, item }, status);
    }
    for (const [index, place] of this.#places) {
      if (!this.#state.openIndices.has(place)) continue;
      const item = findFinal(output, this.#output[place]!, index);
      if (item !== undefined) yield* this.#finish({ output_index: index, item }, status);
    }
    for (const event of closeOpenItems(this.#state.response, this.#state.openIndices)) yield this.#emit(event);
  }

  get #output(): readonly OutputItem[] {
    return this.#state.response.output;
  }

  *#add(event: Json): Generator<ItemEventDraft> {
    const { item: raw, output_index: index } = event;
    if (this.#wasTold(raw)) return;
    const before = this.#placeOfItem(index, raw);
    if (before !== undefined) {
      const isOpen = this.#state.openIndices.has(before);
      const id = idOf(raw);
      if (id === this.#output[before]!.id || (id === undefined && isOpen)) return; // told twice
      // Another item under the same index: the first cannot still be open.
      const open = new Set(isOpen ? [before] : []);
      for (const done of closeOpenItems(this.#state.response, open)) yield this.#emit(done);
    }
    const item = completeItem(raw, "in_progress");
    if (item !== undefined) yield this.#open(index, item);
  }

  #wasTold(item: unknown): boolean {
    const id = idOf(item);
    const type = isObject(item) ? asString(item["type"]) : undefined;
    return id !== undefined && type !== undefined && this.#isTold({ id, type });
  }

  #open(index: unknown, item: OutputItem): ItemEventDraft {
    const place = this.#output.length;
    this.#places.set(asIndex(index) ?? place, place);
    const id = freeItemId(item, new Set(this.#output.map((each) => each.id)));
    return this.#emit({ type: "response.output_item.added", output_index: place, item: { ...item, id } });
  }

  *#finish(event: Json, status: ItemStatus = "completed"): Generator<ItemEventDraft> {
    const raw = event["item"];
    if (!isObject(raw) || this.#wasTold(raw)) return;
    const id = idOf(raw);
    let place = this.#placeOfItem(event["output_index"], raw);
    if (place === undefined || !this.#state.openIndices.has(place)) {
      if (place !== undefined && (id === undefined || id === this.#output[place]!.id)) return; // told twice
      const unannounced = completeItem(raw, status);
      if (unannounced === undefined) return;
      place = this.#output.length;
      yield this.#open(event["output_index"], emptied(unannounced));
    }
    const item = completeItem(settled(this.#output[place]!, raw), status);
    if (item === undefined) return;
    // What was cut off has no end that could be told.
    if (item.status !== "incomplete") yield* this.#emitAll(this.#endsOf(place).beforeDone(item, place));
    yield this.#emit({ type: "response.output_item.done", output_index: place, item });
  }

  *#passOn(event: ProviderEvent): Generator<ItemEventDraft> {
    const place = this.#placeOf(event["output_index"], asString(event["item_id"]));
    if (place === undefined || !this.#state.openIndices.has(place)) return;
    const complete = completeEvent(event, place, this.#output[place]!.id);
    if (complete === undefined) return;
    const needed = partThatMustBeOpen(complete);
    if (needed !== undefined && this.#openPart(place, needed)) yield* this.#emitWithEnds(place, needed.event, needed);
    const started = partStartedBy(complete);
    if (started !== undefined && !this.#openPart(place, started)) return;
    yield* this.#emitWithEnds(place, complete, started);
  }

  *#emitWithEnds(place: number, event: ItemEventDraft, started: PartStart | undefined): Generator<ItemEventDraft> {
    yield* this.#emitAll(this.#endsOf(place).before(event, started, this.#output[place]!));
    yield this.#emit(event);
  }

  *#emitAll(events: readonly ItemEventDraft[]): Generator<ItemEventDraft> {
    for (const event of events) yield this.#emit(event);
  }

  #endsOf(place: number): OpenEnds {
    const before = this.#openEnds.get(place);
    if (before !== undefined) return before;
    const ends = new OpenEnds();
    this.#openEnds.set(place, ends);
    return ends;
  }

  /** False if it was open already. */
  #openPart(place: number, part: PartStart): boolean {
    const key = `${place}/${part.key}`;
    if (this.#openParts.has(key)) return false;
    this.#openParts.add(key);
    return true;
  }

  /** By index; by id where the index is missing or means nothing. */
  #placeOf(index: unknown, id: string | undefined): number | undefined {
    const place = this.#places.get(asIndex(index) ?? -1);
    if (place !== undefined || id === undefined) return place;
    const byId = this.#output.findIndex((item) => item.id === id);
    return byId === -1 ? undefined : byId;
  }

  /** Some servers give all items of an answer one id: under a new index it is another item, unless the first goes on. */
  #placeOfItem(index: unknown, raw: unknown): number | undefined {
    const place = this.#placeOf(index, idOf(raw));
    const number = asIndex(index);
    if (place === undefined || number === undefined || this.#places.has(number)) return place;
    const isSameType = isObject(raw) && raw["type"] === this.#output[place]!.type;
    return isSameType && this.#state.openIndices.has(place) ? place : undefined;
  }

  #emit(event: ItemEventDraft): ItemEventDraft {
    this.#endsOf(event.output_index).note(event);
    this.#state = applyEvent(this.#state, event);
    return event;
  }
}

function idOf(item: unknown): string | undefined {
  return isObject(item) ? asString(item["id"]) || undefined : undefined;
}

function findFinal(output: readonly unknown[], item: OutputItem, index: number): unknown {
  const candidates = [output.find((final) => idOf(final) === item.id), output[index]];
  return candidates.find((final) => isObject(final) && final["type"] === item.type);
}

/**
 * The item as the provider settled it, over what was streamed of it. Id, type and call_id stay as they were added:
 * official clients throw when they change (contract 01 §1.6). Done is never `in_progress`.
 */
function settled(streamed: OutputItem, done: Json): Json {
  const { status: _, ...before }: Json = streamed;
  const { status, ...stated } = done;
  const kept = { id: streamed.id, type: streamed.type, ...("call_id" in streamed && { call_id: streamed.call_id }) };
  // Servers that leave the content out have streamed it.
  const content = done["content"] ?? before["content"];
  return {
    ...before,
    ...stated,
    ...(content === undefined ? {} : { content }),
    ...(status === undefined || status === "in_progress" ? {} : { status }),
    ...kept,
  };
}
