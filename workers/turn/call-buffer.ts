/**
 * Holds back each item that a client acts on until its provider has finished it, and passes it on as one whole. A crash in
 * the middle of a call then leaves nothing in the log that a client could run; the model is asked for the call again.
 *
 * Items keep their order: an item that begins while a call is held waits behind it. A call that its provider cut off (it
 * ran into the limit of output tokens) is left out, because clients run what is done, whatever its status.
 */
import { isClientAction } from "../../src/lifecycle/client-actions.ts";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import { TurnTooLongError } from "./output-router.ts";

/** Maximum held of one turn, in characters of JSON. No model's call is that long. */
const MAX_HELD_CHARACTERS = 16 * 1024 * 1024;

/** Events to record one after the other, or, if `isWhole`, in one append. */
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
  /** Calls are passed on as they are written, for interfaces that show them growing. */
  streamsCalls: boolean;
  /** Whether this server makes the call itself. The relay then shows it as its tool does. */
  isServerCall: (item: OutputItem) => boolean;
}

export class CallBuffer {
  readonly #options: CallBufferOptions;
  /** In the provider's order. The first one is a call that is not finished. */
  readonly #queue: HeldItem[] = [];
  #heldCharacters = 0;

  constructor(options: CallBufferOptions) {
    this.#options = options;
  }

  /** What may be recorded now. Throws TurnTooLongError above the bound. */
  accept(event: ItemEventDraft): EventGroup[] {
    const held = this.#itemOf(event);
    if (held === undefined) return [{ events: [event], isAtomic: false }];
    this.#hold(held, event);
    return this.#takeFinished();
  }

  /** The held item that the event belongs to; undefined for an event that need not wait. */
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
      this.#heldCharacters += merged.length;
    } else {
      events.push(event);
      this.#heldCharacters += JSON.stringify(event).length;
    }
    if (event.type === "response.output_item.done") held.done = event.item;
    if (this.#heldCharacters > MAX_HELD_CHARACTERS) throw new TurnTooLongError();
  }

  #takeFinished(): EventGroup[] {
    const groups: EventGroup[] = [];
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (first.isCall && first.done === undefined) break;
      this.#queue.shift();
      if (first.done?.status === "incomplete" && first.isCall) continue;
      groups.push({ events: first.events, isAtomic: first.isCall });
    }
    if (this.#queue.length === 0) this.#heldCharacters = 0;
    return groups;
  }
}

/** Two deltas of one text as one: nobody saw the first before the second. */
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
