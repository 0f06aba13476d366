/**
 * The item events that were emitted for one call, folded into items. It emits only events that are legal at this point
 * (contract.md#item-events).
 */
import { applyEvent, IllegalEventError, type ResponseState } from "../../../src/lifecycle/apply-event.ts";
import { ItemGrammar } from "../../../src/lifecycle/event-grammar/item-grammar.ts";
import { createItemClosingEvents } from "../../../src/lifecycle/lifecycle-events.ts";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { Response } from "../../../src/protocol/response.ts";
import type { Json } from "../http/json.ts";
import { readPhase } from "./call-phases.ts";
import { MissingEnds } from "./missing-ends.ts";
import { PartIndices } from "./part-indices.ts";

/** The emitted events of one item, as far as later events depend on them. */
class ItemProgress {
  readonly ends = new MissingEnds();
  readonly parts = new PartIndices();
  /** Whether a phase event of a call was emitted. */
  hasPhases = false;
  /** The item as the provider added it. */
  readonly added: Json;

  constructor(added: Json) {
    this.added = added;
  }
}

export class EmittedOutput {
  /** Only `output` of the response is used. */
  #state: ResponseState = { response: { output: [] } as unknown as Response, openIndices: new Set() };
  readonly #progress = new Map<number, ItemProgress>();
  readonly #grammar = new ItemGrammar();

  get items(): readonly OutputItem[] {
    return this.#state.response.output;
  }

  get hasOpenItems(): boolean {
    return this.#state.openIndices.size > 0;
  }

  isOpen(index: number): boolean {
    return this.#state.openIndices.has(index);
  }

  progressOf(index: number): ItemProgress | undefined {
    return this.#progress.get(index);
  }

  /** Opens the next item. `added`: the item as the provider added it. */
  *add(item: OutputItem, added: OutputItem): Generator<ItemEventDraft> {
    const output_index = this.items.length;
    this.#progress.set(output_index, new ItemProgress({ ...added }));
    yield* this.emit({ type: "response.output_item.added", output_index, item });
  }

  /** Emits the event if it is legal here. Returns whether it is. */
  *emit(event: ItemEventDraft): Generator<ItemEventDraft, boolean> {
    try {
      this.#grammar.accept(event);
    } catch (error) {
      if (error instanceof IllegalEventError) return false;
      throw error;
    }
    const progress = this.#progress.get(event.output_index);
    progress?.ends.observe(event);
    const item = this.items[event.output_index];
    if (progress !== undefined && item !== undefined) progress.hasPhases ||= readPhase(item, event) !== undefined;
    this.#state = applyEvent(this.#state, event);
    yield event;
    return true;
  }

  *emitAll(events: Iterable<ItemEventDraft>): Generator<ItemEventDraft> {
    for (const event of events) yield* this.emit(event);
  }

  /** Closes these items, or all open items, as incomplete. */
  *closeItems(indices: ReadonlySet<number> = this.#state.openIndices): Generator<ItemEventDraft> {
    yield* this.emitAll(createItemClosingEvents(this.#state.response, indices));
  }
}
