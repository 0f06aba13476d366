/**
 * The items of a log: indices, ids, and that each event lies between its item's added and done
 * (contract.md#item-events, contract.md#client-invariants).
 */
import type { ItemEventDraft } from "../../protocol/event.ts";
import type { OutputItem } from "../../protocol/item.ts";
import { IllegalEventError } from "../apply-event.ts";
import { isClientAction } from "../client-actions.ts";
import { CallSteps } from "./call-steps.ts";
import { isPartEvent, ItemParts } from "./item-parts.ts";

interface OpenItemGrammar {
  item: OutputItem;
  parts: ItemParts;
  steps: CallSteps;
}

export interface ItemGrammarOptions {
  /** Items that clients act on are never interleaved with other items and never cut off. Applies to logs only. */
  callsAreWhole?: boolean;
}

/** The items of one response, or of one upstream call, which also counts its indices from 0. */
export class ItemGrammar {
  readonly #callsAreWhole: boolean;
  readonly #open = new Map<number, OpenItemGrammar>();
  readonly #done = new Map<number, OutputItem>();
  readonly #ids = new Set<string>();

  constructor({ callsAreWhole = false }: ItemGrammarOptions = {}) {
    this.#callsAreWhole = callsAreWhole;
  }

  /** Throws IllegalEventError, which names the violated rule. */
  accept(event: ItemEventDraft): void {
    this.#checkCalls(event);
    if (event.type === "response.output_item.added") return this.#add(event);
    const open = this.#open.get(event.output_index);
    if (open === undefined) throw new IllegalEventError(event, `output_index ${event.output_index} is not open.`);
    if (event.type === "response.output_item.done") return this.#finish(event, open);
    if ("item_id" in event && event.item_id !== open.item.id) {
      throw new IllegalEventError(event, `item_id ${event.item_id} is not the item's, ${open.item.id}.`);
    }
    if (isPartEvent(event)) open.parts.accept(event);
    else open.steps.accept(event);
  }

  /** In order of their indices. */
  get done(): OutputItem[] {
    return [...this.#done].sort(([a], [b]) => a - b).map(([, item]) => item);
  }

  checkAllDone(event: { type: string }): void {
    const [open] = this.#open.values();
    if (open !== undefined) throw new IllegalEventError(event, `the item ${open.item.id} is still open.`);
  }

  #checkCalls(event: ItemEventDraft): void {
    if (!this.#callsAreWhole) return;
    for (const [openIndex, { item }] of this.#open) {
      if (openIndex !== event.output_index && isClientAction(item.type)) {
        throw new IllegalEventError(event, `comes in the middle of the ${item.type} at ${openIndex}.`);
      }
    }
    if (event.type !== "response.output_item.done" || event.item.status !== "incomplete") return;
    if (isClientAction(event.item.type)) {
      throw new IllegalEventError(event, `a ${event.item.type} that was cut off is not shown at all.`);
    }
  }

  #add(event: Extract<ItemEventDraft, { type: "response.output_item.added" }>): void {
    const { item, output_index: index } = event;
    const next = this.#open.size + this.#done.size;
    if (index !== next) throw new IllegalEventError(event, `output_index ${index} is not the next, ${next}.`);
    if (this.#ids.has(item.id)) throw new IllegalEventError(event, `the id ${item.id} was used before.`);
    if (item.type === "message" && item.content.length > 0) {
      throw new IllegalEventError(event, "a message is added without content.");
    }
    this.#ids.add(item.id);
    this.#open.set(index, { item, parts: new ItemParts(item), steps: new CallSteps(item) });
  }

  /**
   * An interrupted item may be done at any step; any other item only when nothing is missing. Both must match their
   * streamed parts.
   */
  #finish(event: Extract<ItemEventDraft, { type: "response.output_item.done" }>, open: OpenItemGrammar): void {
    const { item } = event;
    const before = open.item;
    if (item.id !== before.id || item.type !== before.type || callIdOf(item) !== callIdOf(before)) {
      throw new IllegalEventError(event, "an item keeps its id, type and call_id.");
    }
    if (item.status === "in_progress") throw new IllegalEventError(event, "a done item cannot be in_progress.");
    if (!isCutOff(item)) {
      open.parts.checkWhole(event);
      open.steps.checkWhole(event, item);
    }
    open.parts.checkSame(event, item);
    open.steps.checkSame(event, item);
    this.#open.delete(event.output_index);
    this.#done.set(event.output_index, item);
  }
}

/** A failed call has no event of its own, except `mcp_call`. */
function isCutOff(item: OutputItem): boolean {
  return item.status === "incomplete" || (item.status === "failed" && item.type !== "mcp_call");
}

function callIdOf(item: OutputItem): string | null | undefined {
  return "call_id" in item ? item.call_id : undefined;
}
