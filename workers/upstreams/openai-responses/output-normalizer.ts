/**
 * Turns a provider's item events into a legal log (contract.md#item-events), also for item types that this server does
 * not know.
 *
 *   - `output_index` counts the items of this call from 0, in the order in which the provider adds them.
 *   - Each event lies between its item's added and done, and names the item by the id it was added with. Missing events
 *     (an added, the start or end of a part) are inserted. Late or unrelated ones are dropped, because
 *     `output_item.done` carries the whole item.
 *   - No event of a provider causes an exception. An unpublished or misplaced one is repaired or dropped. If an item's
 *     end contradicts its streamed text, the streamed text wins.
 */
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { ItemStatus } from "../../../src/protocol/items/status.ts";
import { chooseItemId } from "../replayed-item-id.ts";
import { keepStreamedText } from "./keep-streamed-text.ts";
import { readPhase, createPhasesUpTo } from "./call-phases.ts";
import { completeItem, emptyItem } from "./complete-item.ts";
import { EmittedOutput } from "./emitted-output.ts";
import {
  completeEvent,
  endsPart,
  readPartIndex,
  createPartStart,
  readPartType,
  startsPart,
  setPartIndex,
} from "./part-events.ts";
import { findFinalItem, STREAMED_TYPES, readItemId, mergeFinalItem, restoreAddedFields } from "./merge-item.ts";
import { asArray, asIndex, asString, isCompleteObject, isObject, type Json, type ProviderEvent } from "../http/json.ts";

type IsLogged = (item: { id: string; type: string }) => boolean;

export class OutputNormalizer {
  readonly #emitted = new EmittedOutput();
  /** Our `output_index`, by the provider's. */
  readonly #indices = new Map<number, number>();
  readonly #isLogged: IsLogged;

  /** Drops the events of items for which `isLogged` returns true. */
  constructor(isLogged: IsLogged = () => false) {
    this.#isLogged = isLogged;
  }

  /** Whether every emitted item is done, and none was cut off. */
  get isComplete(): boolean {
    return !this.hasOpenItems && this.#items.every((item) => item.status !== "incomplete");
  }

  get hasOpenItems(): boolean {
    return this.#emitted.hasOpenItems;
  }

  /** Whether any event was emitted. */
  get hasStarted(): boolean {
    return this.#items.length > 0;
  }

  *normalize(event: ProviderEvent): Generator<ItemEventDraft> {
    switch (event.type) {
      case "response.output_item.added":
        return yield* this.#add(event);
      case "response.output_item.done":
        return yield* this.#finish(event);
      default:
        return yield* this.#normalizeEvent(event);
    }
  }

  /**
   * Closes the items that the provider left open. `response` is its final snapshot, which has more complete versions of
   * them. If the server streamed no items or the stream broke, it is the only source of items.
   */
  *close(response: unknown, status: "completed" | "incomplete", { isBroken = false } = {}): Generator<ItemEventDraft> {
    const output = isObject(response) ? asArray(response["output"]) : [];
    if (!this.hasStarted || isBroken) {
      for (const [output_index, item] of output.entries()) yield* this.#finish({ output_index, item }, status);
    }
    for (const [providerIndex, index] of this.#indices) {
      if (!this.#emitted.isOpen(index)) continue;
      const item = findFinalItem(output, this.#items[index]!, providerIndex);
      if (item !== undefined) yield* this.#finish({ output_index: providerIndex, item }, status);
    }
    yield* this.#emitted.closeItems();
  }

  get #items(): readonly OutputItem[] {
    return this.#emitted.items;
  }

  *#add(event: Json): Generator<ItemEventDraft> {
    const { item: raw, output_index: providerIndex } = event;
    if (this.#wasLogged(raw)) return;
    const existing = this.#findItemIndex(providerIndex, raw);
    if (existing !== undefined) {
      const isOpen = this.#emitted.isOpen(existing);
      const id = readItemId(raw);
      const isRepeated = id === this.#items[existing]!.id || (id === undefined && isOpen);
      if (isRepeated) return;
      // Another item at the same index: the first one has ended.
      if (isOpen) yield* this.#emitted.closeItems(new Set([existing]));
    }
    const item = completeItem(raw, "in_progress");
    if (item !== undefined) yield* this.#open(providerIndex, item);
  }

  #wasLogged(item: unknown): boolean {
    const id = readItemId(item);
    const type = isObject(item) ? asString(item["type"]) : undefined;
    return id !== undefined && type !== undefined && this.#isLogged({ id, type });
  }

  /** Opens a streamed item empty: its added fields count only where neither a delta nor its end says more. */
  *#open(providerIndex: unknown, item: OutputItem): Generator<ItemEventDraft, number> {
    const index = this.#items.length;
    this.#indices.set(asIndex(providerIndex) ?? index, index);
    const id = chooseItemId(item, new Set(this.#items.map((each) => each.id)));
    const start = STREAMED_TYPES.has(item.type) ? emptyItem(item) : item;
    yield* this.#emitted.add({ ...start, id }, item);
    return index;
  }

  *#finish(event: Json, status: ItemStatus = "completed"): Generator<ItemEventDraft> {
    const raw = event["item"];
    if (!isObject(raw) || this.#wasLogged(raw)) return;
    const id = readItemId(raw);
    let index = this.#findItemIndex(event["output_index"], raw);
    if (index === undefined || !this.#emitted.isOpen(index)) {
      const isRepeated = index !== undefined && (id === undefined || id === this.#items[index]!.id);
      if (isRepeated) return;
      const unannounced = completeItem(raw, status);
      if (unannounced === undefined) return;
      index = yield* this.#open(event["output_index"], emptyItem(unannounced));
    }
    const streamed = this.#items[index];
    if (streamed === undefined) return;
    const whole = mergeFinalItem(restoreAddedFields(streamed, this.#emitted.progressOf(index)?.added ?? {}), raw);
    const item = completeItem(whole, status) ?? completeItem({ ...streamed, status }, status);
    if (item !== undefined) yield* this.#close(index, item);
  }

  *#close(index: number, item: OutputItem): Generator<ItemEventDraft> {
    // An item that was cut off has no endings to add.
    const progress = item.status === "incomplete" ? undefined : this.#emitted.progressOf(index);
    const phases = progress?.hasPhases === true ? createPhasesUpTo(item, index) : [];
    yield* this.#emitted.emitAll([...(progress?.ends.createBeforeDone(item, index) ?? []), ...phases]);
    const done = { type: "response.output_item.done" as const, output_index: index };
    if (yield* this.#emitted.emit({ ...done, item })) return;
    const streamed = keepStreamedText(item, this.#items[index]!);
    yield* this.#emitted.emitAll(progress?.ends.createBeforeDone(streamed, index) ?? []);
    if (yield* this.#emitted.emit({ ...done, item: streamed })) return;
    yield* this.#emitted.closeItems(new Set([index]));
  }

  *#normalizeEvent(event: ProviderEvent): Generator<ItemEventDraft> {
    const index = this.#findIndex(event["output_index"], asString(event["item_id"]));
    if (index === undefined || !this.#emitted.isOpen(index)) return;
    const complete = completeEvent(event, index, this.#items[index]!.id);
    if (complete === undefined || this.#repeatsArguments(complete, index)) return;
    const ofPart = yield* this.#mapToPart(complete, index);
    if (ofPart === undefined) return;
    const item = this.#items[index]!;
    const phase = readPhase(item, complete);
    if (phase !== undefined) yield* this.#emitted.emitAll(createPhasesUpTo(item, index, phase));
    yield* this.#emitWithEnds(index, ofPart);
  }

  /** Some servers send the arguments in pieces and then again as a whole. */
  #repeatsArguments(event: ItemEventDraft, index: number): boolean {
    if (event.type !== "response.function_call_arguments.delta" || !event.delta.startsWith("{")) return false;
    const item = this.#items[index];
    return item?.type === "function_call" && isCompleteObject(item.arguments);
  }

  /** Returns the event with the index of its part in our log, and opens the part first. Undefined if it has no part. */
  *#mapToPart(event: ItemEventDraft, index: number): Generator<ItemEventDraft, ItemEventDraft | undefined> {
    const type = readPartType(event);
    const parts = this.#emitted.progressOf(index)?.parts;
    if (type === undefined || parts === undefined) return event;
    const providerIndex = readPartIndex(event);
    if (startsPart(event)) {
      const added = parts.add(type, providerIndex);
      return added === undefined ? undefined : setPartIndex(event, added);
    }
    let partIndex = parts.find(type, providerIndex);
    if (partIndex === undefined) {
      partIndex = parts.add(type, providerIndex);
      if (partIndex === undefined) return undefined;
      const at = { item_id: this.#items[index]!.id, output_index: index };
      yield* this.#emitWithEnds(index, createPartStart(type, at, partIndex));
    }
    if (endsPart(event)) parts.close(type, partIndex);
    return setPartIndex(event, partIndex);
  }

  *#emitWithEnds(index: number, event: ItemEventDraft): Generator<ItemEventDraft> {
    const ends = this.#emitted.progressOf(index)?.ends.createBefore(event, this.#items[index]!) ?? [];
    yield* this.#emitted.emitAll([...ends, event]);
  }

  /** Finds our index by the provider's index, or by id if the index is missing or unknown. */
  #findIndex(providerIndex: unknown, id: string | undefined): number | undefined {
    const index = this.#indices.get(asIndex(providerIndex) ?? -1);
    if (index !== undefined || id === undefined) return index;
    const byId = this.#items.findIndex((item) => item.id === id);
    return byId === -1 ? undefined : byId;
  }

  /** Some servers give all items one id: a new index then means another item, unless the first one is still open. */
  #findItemIndex(providerIndex: unknown, raw: unknown): number | undefined {
    const index = this.#findIndex(providerIndex, readItemId(raw));
    const stated = asIndex(providerIndex);
    if (index === undefined || stated === undefined || this.#indices.has(stated)) return index;
    const isSameType = isObject(raw) && raw["type"] === this.#items[index]!.type;
    return isSameType && this.#emitted.isOpen(index) ? index : undefined;
  }
}
