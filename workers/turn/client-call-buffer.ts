/**
 * Holds back each item that a client acts on until it is complete, then passes it on for one append. A crash in the
 * middle of a call leaves nothing in the log that a client could run, and the next attempt asks the model for the call
 * again.
 *
 * Items keep their order: an item that starts after a held call waits for it. A call that the provider cut off, at the
 * limit of output tokens, is dropped, because clients run every call that is done, even an incomplete one.
 */
import { isClientAction } from "../../src/lifecycle/client-actions.ts";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import { HeldCharacters } from "./held-characters.ts";

/** Events to append one by one, or all in one append if `isAtomic`. */
export interface EventGroup {
  events: ItemEventDraft[];
  isAtomic: boolean;
}

interface HeldItem {
  output_index: number;
  isCall: boolean;
  events: ItemEventDraft[];
  done: OutputItem | undefined;
}

export interface CallBufferOptions {
  /** Passes calls on as the model writes them, for interfaces that show partial arguments. */
  streamsCalls: boolean;
  /** Whether this server executes the call. The output router then presents it. */
  isServerCall: (item: OutputItem) => boolean;
}

export class ClientCallBuffer {
  readonly #options: CallBufferOptions;
  /** In the provider's order. The first item is an unfinished call. */
  readonly #queue: HeldItem[] = [];
  readonly #heldCharacters = new HeldCharacters("after a tool call");

  constructor(options: CallBufferOptions) {
    this.#options = options;
  }

  /** The events that may pass now. Throws TurnTooLongError if too much is held. */
  accept(event: ItemEventDraft): EventGroup[] {
    const held = this.#itemOf(event);
    if (held === undefined) return [{ events: [event], isAtomic: false }];
    this.#hold(held, event);
    return this.#takeFinished();
  }

  /** The held item of the event. Undefined for an event that need not wait. */
  #itemOf({ output_index, ...event }: ItemEventDraft): HeldItem | undefined {
    if (event.type !== "response.output_item.added") {
      return this.#queue.find((item) => item.output_index === output_index);
    }
    const isCall =
      !this.#options.streamsCalls && isClientAction(event.item.type) && !this.#options.isServerCall(event.item);
    if (!isCall && this.#queue.length === 0) return undefined;
    const held = { output_index, isCall, events: [], done: undefined };
    this.#queue.push(held);
    return held;
  }

  #hold(held: HeldItem, event: ItemEventDraft): void {
    const { events } = held;
    const last = events.at(-1);
    const merged = last && mergeDeltas(last, event);
    if (merged !== undefined) {
      events[events.length - 1] = merged.event;
      this.#heldCharacters.add(merged.length);
    } else {
      events.push(event);
      this.#heldCharacters.add(JSON.stringify(event).length);
    }
    if (event.type === "response.output_item.done") held.done = event.item;
  }

  #takeFinished(): EventGroup[] {
    const groups: EventGroup[] = [];
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (first.isCall && first.done === undefined) break;
      this.#queue.shift();
      if (first.done?.status === "incomplete" && first.isCall) continue;
      groups.push({ events: first.events, isAtomic: first.isCall });
    }
    if (this.#queue.length === 0) this.#heldCharacters.reset();
    return groups;
  }
}

/** Joins two held deltas of one text. */
function mergeDeltas(
  first: ItemEventDraft,
  second: ItemEventDraft,
): { event: ItemEventDraft; length: number } | undefined {
  switch (second.type) {
    case "response.function_call_arguments.delta":
    case "response.custom_tool_call_input.delta":
      if (first.type !== second.type) return undefined;
      return { event: { ...first, delta: first.delta + second.delta }, length: second.delta.length };
    case "response.shell_call_command.delta":
      if (first.type !== second.type || first.command_index !== second.command_index) return undefined;
      return { event: { ...first, delta: first.delta + second.delta }, length: second.delta.length };
    default:
      return undefined;
  }
}
