/**
 * Passes on a provider's item events as one legal log (contract.md#item-events), also on items of types that are not known here.
 *
 *   - `output_index` counts the items of this call from 0: the nth index that the provider adds is n.
 *   - Every event lies between its item's added and done, and names the item by the id it was added with. What was left
 *     out (an added, the start or the end of a part) is put in; what comes too late or belongs to nothing is dropped, because
 *     `output_item.done` brings the item whole.
 *   - No event of a provider's throws. One that is not as published, or comes where the contract's orders have no place for
 *     it, is mended or dropped; an item whose end contradicts what was streamed of it ends as it was streamed.
 */
import { applyEvent, IllegalEventError, type ResponseState } from "../../../src/lifecycle/apply-event.ts";
import { createItemClosingEvents } from "../../../src/lifecycle/lifecycle-events.ts";
import { ItemGrammar } from "../../../src/lifecycle/event-grammar/item-grammar.ts";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { ItemStatus } from "../../../src/protocol/items/status.ts";
import type { Response } from "../../../src/protocol/response.ts";
import { chooseItemId } from "../replayed-item-id.ts";
import { keepStreamedText } from "./keep-streamed-text.ts";
import { readPhase, createStepsUpTo } from "./call-phases.ts";
import { MissingEnds } from "./missing-ends.ts";
import { completeItem, emptyItem } from "./complete-item.ts";
import {
  completeEvent,
  endsPart,
  readPartIndex,
  createPartStart,
  readPartType,
  startsPart,
  setPartIndex,
} from "./part-events.ts";
import { PartIndices } from "./part-indices.ts";
import {
  findFinalItem,
  STREAMED_TYPES,
  readItemId,
  isCompleteObject,
  mergeFinalItem,
  restoreAddedFields,
} from "./merge-item.ts";
import { asArray, asIndex, asString, isObject, type Json, type ProviderEvent } from "../provider/json.ts";

/** What of one item was passed on. */
class ItemProgress {
  readonly ends = new MissingEnds();
  readonly parts = new PartIndices();
  /** Whether one of the steps of a call was. */
  hasSteps = false;
  /** The item as the provider added it. */
  readonly added: Json;

  constructor(added: Json) {
    this.added = added;
  }
}

type IsLogged = (item: { id: string; type: string }) => boolean;

export class OutputNormalizer {
  /** What was passed on so far, folded; of the response only `output` means anything. */
  #state: ResponseState = { response: { output: [] } as unknown as Response, openIndices: new Set() };
  /** From the provider's `output_index` to ours. */
  readonly #indices = new Map<number, number>();
  /** By place. */
  readonly #progress = new Map<number, ItemProgress>();
  readonly #grammar = new ItemGrammar();
  readonly #isLogged: IsLogged;

  /** Of what `isTold` knows nothing is passed on. */
  constructor(isTold: IsLogged = () => false) {
    this.#isLogged = isTold;
  }

  /** Whether every item that was passed on is done, and none of them was cut off. */
  get isComplete(): boolean {
    return !this.hasOpenItems && this.#output.every((item) => item.status !== "incomplete");
  }

  get hasOpenItems(): boolean {
    return this.#state.openIndices.size > 0;
  }

  /** Whether any event was passed on. */
  get hasStarted(): boolean {
    return this.#output.length > 0;
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
   * At the end: closes the items that the provider left open. `response` is its final snapshot, which has the better
   * version of them, and is the only source of items at a server that streams none, or when the stream broke off.
   */
  *close(response: unknown, status: "completed" | "incomplete", { isBroken = false } = {}): Generator<ItemEventDraft> {
    const output = isObject(response) ? asArray(response["output"]) : [];
    if (!this.hasStarted || isBroken) {
      for (const [output_index, item] of output.entries()) yield* this.#finish({ output_index, item }, status);
    }
    for (const [index, place] of this.#indices) {
      if (!this.#state.openIndices.has(place)) continue;
      const item = findFinalItem(output, this.#output[place]!, index);
      if (item !== undefined) yield* this.#finish({ output_index: index, item }, status);
    }
    for (const event of createItemClosingEvents(this.#state.response, this.#state.openIndices))
      yield* this.#emitIfLegal(event);
  }

  get #output(): readonly OutputItem[] {
    return this.#state.response.output;
  }

  *#add(event: Json): Generator<ItemEventDraft> {
    const { item: raw, output_index: index } = event;
    if (this.#wasLogged(raw)) return;
    const before = this.#findItemIndex(index, raw);
    if (before !== undefined) {
      const isOpen = this.#state.openIndices.has(before);
      const id = readItemId(raw);
      if (id === this.#output[before]!.id || (id === undefined && isOpen)) return; // told twice
      // Another item under the same index: the first cannot still be open.
      const open = new Set(isOpen ? [before] : []);
      for (const done of createItemClosingEvents(this.#state.response, open)) yield* this.#emitIfLegal(done);
    }
    const item = completeItem(raw, "in_progress");
    if (item !== undefined) yield* this.#open(index, item);
  }

  #wasLogged(item: unknown): boolean {
    const id = readItemId(item);
    const type = isObject(item) ? asString(item["type"]) : undefined;
    return id !== undefined && type !== undefined && this.#isLogged({ id, type });
  }

  /** An item grows from nothing: what it was added with counts where neither a delta nor its end says more. */
  *#open(index: unknown, item: OutputItem): Generator<ItemEventDraft, number> {
    const place = this.#output.length;
    this.#indices.set(asIndex(index) ?? place, place);
    this.#progress.set(place, new ItemProgress({ ...item }));
    const id = chooseItemId(item, new Set(this.#output.map((each) => each.id)));
    const begun = STREAMED_TYPES.has(item.type) ? emptyItem(item) : item;
    yield* this.#emitIfLegal({ type: "response.output_item.added", output_index: place, item: { ...begun, id } });
    return place;
  }

  *#finish(event: Json, status: ItemStatus = "completed"): Generator<ItemEventDraft> {
    const raw = event["item"];
    if (!isObject(raw) || this.#wasLogged(raw)) return;
    const id = readItemId(raw);
    let place = this.#findItemIndex(event["output_index"], raw);
    if (place === undefined || !this.#state.openIndices.has(place)) {
      if (place !== undefined && (id === undefined || id === this.#output[place]!.id)) return; // told twice
      const unannounced = completeItem(raw, status);
      if (unannounced === undefined) return;
      place = yield* this.#open(event["output_index"], emptyItem(unannounced));
    }
    const streamed = this.#output[place];
    if (streamed === undefined) return;
    const whole = mergeFinalItem(restoreAddedFields(streamed, this.#progress.get(place)?.added ?? {}), raw);
    const item = completeItem(whole, status) ?? completeItem({ ...streamed, status }, status);
    if (item !== undefined) yield* this.#close(place, item);
  }

  *#close(place: number, item: OutputItem): Generator<ItemEventDraft> {
    const progress = this.#progress.get(place);
    // What was cut off has no end that could be told.
    if (item.status !== "incomplete" && progress !== undefined) {
      const steps = progress.hasSteps ? createStepsUpTo(item, place) : [];
      for (const each of [...progress.ends.createBeforeDone(item, place), ...steps]) yield* this.#emitIfLegal(each);
    }
    const done = { type: "response.output_item.done" as const, output_index: place };
    if (yield* this.#emitIfLegal({ ...done, item })) return;
    const streamed = keepStreamedText(item, this.#output[place]!);
    if (item.status !== "incomplete" && progress !== undefined) {
      for (const each of progress.ends.createBeforeDone(streamed, place)) yield* this.#emitIfLegal(each);
    }
    if (yield* this.#emitIfLegal({ ...done, item: streamed })) return;
    for (const each of createItemClosingEvents(this.#state.response, new Set([place]))) yield* this.#emitIfLegal(each);
  }

  *#normalizeEvent(event: ProviderEvent): Generator<ItemEventDraft> {
    const place = this.#findIndex(event["output_index"], asString(event["item_id"]));
    if (place === undefined || !this.#state.openIndices.has(place)) return;
    const complete = completeEvent(event, place, this.#output[place]!.id);
    if (complete === undefined || this.#isRepeated(complete, place)) return;
    const ofPart = yield* this.#mapToPart(complete, place);
    if (ofPart === undefined) return;
    const item = this.#output[place]!;
    const phase = readPhase(item, complete);
    if (phase !== undefined) for (const each of createStepsUpTo(item, place, phase)) yield* this.#emitIfLegal(each);
    yield* this.#emitWithEnds(place, ofPart);
  }

  /** Arguments that are whole and begin again: some servers send them in pieces and then all of them. */
  #isRepeated(event: ItemEventDraft, place: number): boolean {
    if (event.type !== "response.function_call_arguments.delta" || !event.delta.startsWith("{")) return false;
    const item = this.#output[place];
    return item?.type === "function_call" && isCompleteObject(item.arguments);
  }

  /** The event with the index of its part in our log, once that part is open. Undefined if it has no place. */
  *#mapToPart(event: ItemEventDraft, place: number): Generator<ItemEventDraft, ItemEventDraft | undefined> {
    const type = readPartType(event);
    const parts = this.#progress.get(place)?.parts;
    if (type === undefined || parts === undefined) return event;
    const told = readPartIndex(event);
    if (startsPart(event)) {
      const index = parts.add(type, told);
      return index === undefined ? undefined : setPartIndex(event, index);
    }
    let index = parts.find(type, told);
    if (index === undefined) {
      index = parts.add(type, told);
      if (index === undefined) return undefined;
      const at = { item_id: this.#output[place]!.id, output_index: place };
      yield* this.#emitWithEnds(place, createPartStart(type, at, index));
    }
    if (endsPart(event)) parts.close(type, index);
    return setPartIndex(event, index);
  }

  *#emitWithEnds(place: number, event: ItemEventDraft): Generator<ItemEventDraft> {
    const ends = this.#progress.get(place)?.ends.createBefore(event, this.#output[place]!) ?? [];
    for (const each of ends) yield* this.#emitIfLegal(each);
    yield* this.#emitIfLegal(event);
  }

  /** By index; by id where the index is missing or means nothing. */
  #findIndex(index: unknown, id: string | undefined): number | undefined {
    const place = this.#indices.get(asIndex(index) ?? -1);
    if (place !== undefined || id === undefined) return place;
    const byId = this.#output.findIndex((item) => item.id === id);
    return byId === -1 ? undefined : byId;
  }

  /** Some servers give all items of an answer one id: under a new index it is another item, unless the first goes on. */
  #findItemIndex(index: unknown, raw: unknown): number | undefined {
    const place = this.#findIndex(index, readItemId(raw));
    const number = asIndex(index);
    if (place === undefined || number === undefined || this.#indices.has(number)) return place;
    const isSameType = isObject(raw) && raw["type"] === this.#output[place]!.type;
    return isSameType && this.#state.openIndices.has(place) ? place : undefined;
  }

  /** Passes the event on if it may come here, and answers whether it may. */
  *#emitIfLegal(event: ItemEventDraft): Generator<ItemEventDraft, boolean> {
    try {
      this.#grammar.accept(event);
    } catch (error) {
      if (error instanceof IllegalEventError) return false;
      throw error;
    }
    const progress = this.#progress.get(event.output_index);
    progress?.ends.observe(event);
    const item = this.#output[event.output_index];
    if (progress !== undefined && item !== undefined) progress.hasSteps ||= readPhase(item, event) !== undefined;
    this.#state = applyEvent(this.#state, event);
    yield event;
    return true;
  }
}
