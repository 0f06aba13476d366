/**
 * Gives the items of a turn their positions in the response's output. Items pass unchanged, except calls of the
 * server's functions: their tools present them.
 *
 * The log shows one item after another, and a call ends only after the turn, when it has been executed. So the turn's first
 * call stays open in the log, and the router holds all later items in segments for the journal.
 */
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import { newCallId, newItemId } from "../../src/protocol/id.ts";
import type { TurnSegment } from "../../src/store/run-journals.ts";
import { chooseItemId } from "../upstreams/replayed-item-id.ts";
import type { ServerFunction, CallPresenter } from "../tools/tool.ts";
import { HeldCharacters } from "./held-characters.ts";
import type { RejectedCall } from "./rejected-calls.ts";

/** The destination of an item's events: an index in the log, a segment, or none. */
type Destination =
  | { kind: "log"; index: number; itemId: string | undefined }
  | { kind: "call"; segment: CallSegment; fn: ServerFunction; hasDeltas: boolean }
  | { kind: "held"; segment: ItemSegment }
  | { kind: "rejected"; call: RejectedCall };
type Added = Extract<ItemEventDraft, { type: "response.output_item.added" }>;
type CallSegment = Extract<TurnSegment, { kind: "call" }>;
type ItemSegment = Extract<TurnSegment, { kind: "item" }>;

export interface OutputRouterOptions {
  functions: ReadonlyMap<string, ServerFunction>;
  /** Tool calls that the response may still make. Further calls are rejected. */
  callsLeft: number;
  /** Whether the turn may call the function of that name. Other calls are rejected. */
  mayCall: (name: string) => boolean;
  /** Whether a tool of that name was offered. Calls of other tools are rejected. */
  isOffered?: (name: string) => boolean;
  nextIndex: () => number;
  /** Ids of the response's items so far. Some providers repeat ids in later turns. */
  usedIds: ReadonlySet<string>;
}

export class OutputRouter {
  readonly #options: OutputRouterOptions;
  readonly #destinations = new Map<number, Destination>();
  readonly #segments: TurnSegment[] = [];
  readonly #rejected: RejectedCall[] = [];
  #openCall: { segment: CallSegment; presenter: CallPresenter } | undefined;
  #calls = 0;
  readonly #heldCharacters = new HeldCharacters("after a tool call");

  constructor(options: OutputRouterOptions) {
    this.#options = options;
  }

  /** The events to write for an upstream's event. The caller writes them before it routes the next event. */
  route(event: ItemEventDraft): ItemEventDraft[] {
    if (event.type === "response.output_item.added") return this.#add(event);
    const destination = this.#destinations.get(event.output_index);
    switch (destination?.kind) {
      case "log":
        return [moveEvent(event, destination.index, destination.itemId)];
      case "held":
        this.#hold(destination.segment, event);
        return [];
      case "call":
        return this.#routeCall(event, destination);
      case "rejected":
        if (event.type === "response.output_item.done" && event.item.type === "function_call")
          destination.call.arguments = event.item.arguments;
        return [];
      case undefined:
        return [];
    }
  }

  /** Routes the upstream's item at `output_index` to the unfinished item in the log, with that item's index and id. */
  resumeItem(output_index: number, unfinished: { index: number; item: { id: string } }): void {
    this.#destinations.set(output_index, { kind: "log", index: unfinished.index, itemId: unfinished.item.id });
  }

  /** The turn's calls and the items after them. Empty if the turn has no calls. */
  get segments(): readonly TurnSegment[] {
    return this.#segments;
  }

  /** Calls that are not executed, and that the client does not see. */
  get rejected(): readonly RejectedCall[] {
    return this.#rejected;
  }

  /** The call that is open in the log. */
  get openCall(): { segment: CallSegment; presenter: CallPresenter } | undefined {
    return this.#openCall;
  }

  /** Whether items must wait for a call or an approval request. */
  get #isHolding(): boolean {
    return this.#segments.length > 0;
  }

  #add(event: Added): ItemEventDraft[] {
    const { item, output_index } = event;
    const called = findServerFunction(item, this.#options.functions);
    if (called !== undefined) return this.#addCall(event, called.name, called.fn);
    const isCall = item.type === "function_call" && item.namespace == null;
    if (isCall && this.#options.isOffered?.(item.name) === false) {
      return this.#reject(output_index, { name: item.name, arguments: "", reason: "unknown" });
    }
    const free = chooseItemId(item, this.#options.usedIds);
    const itemId = free === item.id ? undefined : free;
    if (!this.#isHolding) {
      const index = this.#options.nextIndex();
      this.#destinations.set(output_index, { kind: "log", index, itemId });
      return [moveEvent(event, index, itemId)];
    }
    const segment: ItemSegment = { kind: "item", events: [], itemIds: [itemId ?? item.id] };
    this.#destinations.set(output_index, { kind: "held", segment });
    this.#segments.push(segment);
    this.#hold(segment, event);
    return [];
  }

  #addCall({ item, output_index }: Added, name: string, fn: ServerFunction): ItemEventDraft[] {
    if (this.#calls >= this.#options.callsLeft || !this.#options.mayCall(name)) {
      return this.#reject(output_index, { name, arguments: "", reason: "not-now" });
    }
    this.#calls += 1;
    const itemId = newItemId(fn.itemType);
    const provided = "call_id" in item && item.call_id ? { providerCallId: item.call_id } : {};
    // Each attempt has its own ids, so that no call is mistaken for one that an earlier attempt executed.
    const call = { callId: newCallId(), ...provided, name, arguments: "" };
    const segment: CallSegment = { kind: "call", call, itemIds: [itemId] };
    const isBehind = this.#isHolding;
    this.#destinations.set(output_index, { kind: "call", segment, fn, hasDeltas: false });
    this.#segments.push(segment);
    // A call that needs approval appears as an approval request, once its arguments are complete.
    if (isBehind || fn.createApprovalRequest !== undefined) return [];
    this.#openCall = { segment, presenter: fn.presentCall({ itemId, output_index: this.#options.nextIndex() }) };
    return this.#openCall.presenter.open();
  }

  #reject(output_index: number, call: RejectedCall): ItemEventDraft[] {
    this.#destinations.set(output_index, { kind: "rejected", call });
    this.#rejected.push(call);
    return [];
  }

  #routeCall(event: ItemEventDraft, destination: Extract<Destination, { kind: "call" }>): ItemEventDraft[] {
    const { segment, fn } = destination;
    const presenter = this.#openCall?.segment === segment ? this.#openCall.presenter : undefined;
    if (event.type === "response.function_call_arguments.delta") {
      if (event.delta !== "") destination.hasDeltas = true;
      return presenter?.delta(event.delta) ?? [];
    }
    if (event.type !== "response.output_item.done" || event.item.type !== "function_call") return [];
    const json = readArguments(event.item);
    segment.call.arguments = json;
    this.#heldCharacters.add(json.length);
    const request = fn.createApprovalRequest?.(segment.call);
    if (request !== undefined) this.#replaceCall(segment, request);
    if (presenter === undefined) return [];
    return [...(destination.hasDeltas ? [] : presenter.delta(json)), ...presenter.begin(json)];
  }

  #replaceCall(segment: CallSegment, item: OutputItem): void {
    const at = { output_index: 0, item };
    const events: ItemEventDraft[] = [
      { type: "response.output_item.added", ...at },
      { type: "response.output_item.done", ...at },
    ];
    this.#segments.splice(this.#segments.indexOf(segment), 1, { kind: "item", events, itemIds: [item.id] });
  }

  #hold(segment: ItemSegment, event: ItemEventDraft): void {
    segment.events.push(event);
    this.#heldCharacters.add(JSON.stringify(event).length);
  }
}

/** The server's function that the item calls. A function in a namespace is always the client's. */
export function findServerFunction(
  item: OutputItem,
  functions: ReadonlyMap<string, ServerFunction>,
): { name: string; fn: ServerFunction } | undefined {
  if (item.type !== "function_call" || item.namespace != null) return undefined;
  const fn = functions.get(item.name);
  return fn && { name: item.name, fn };
}

/** Many models write empty arguments for a function without parameters. */
function readArguments({ arguments: json }: { arguments: string }): string {
  return json.trim() === "" ? "{}" : json;
}

/** The event with another output index, and with another item id if one is given. */
export function moveEvent(event: ItemEventDraft, output_index: number, itemId: string | undefined): ItemEventDraft {
  const moved = { ...event, output_index };
  if (itemId === undefined) return moved;
  if ("item" in moved) return { ...moved, item: { ...moved.item, id: itemId } };
  return "item_id" in moved ? { ...moved, item_id: itemId } : moved;
}
