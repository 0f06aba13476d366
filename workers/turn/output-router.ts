/**
 * What one turn of a model becomes in the log. Items pass as they are, at the places where the log stands; calls of the
 * server's functions are shown as their tools show them. Items of a log follow one another, and a call is over only when
 * it was made: so the first call stays open until the turn is over, and what comes behind it is held until then.
 */
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import { newItemId } from "../../src/protocol/id.ts";
import type { TurnSegment } from "../../src/store/tool-journal.ts";
import { chooseItemId } from "../upstreams/replayed-item-id.ts";
import type { RejectedCall } from "./rejected-calls.ts";
import type { ServerFunction, CallPresenter } from "../tools/tool.ts";
import { newCallId } from "../tools/registry.ts";

/** What may be held in memory, in characters of JSON. No model's turn is that long. */
const MAX_HELD_CHARACTERS = 16 * 1024 * 1024;

/** A provider sent more after a tool call than this server keeps in memory. It ends the response as failed. */
export class TurnTooLongError extends Error {
  override readonly name = "TurnTooLongError";
  constructor() {
    super("The provider sent too much after a tool call.");
  }
}

/** Where the items of the call's events go: to a place in the log, into a segment, or nowhere. */
type Destination =
  | { kind: "log"; index: number; itemId: string | undefined }
  | { kind: "call"; segment: CallSegment; fn: ServerFunction; hasDeltas: boolean }
  | { kind: "held"; segment: ItemSegment }
  | { kind: "refused"; call: RejectedCall };
type Added = Extract<ItemEventDraft, { type: "response.output_item.added" }>;
type CallSegment = Extract<TurnSegment, { kind: "call" }>;
type ItemSegment = Extract<TurnSegment, { kind: "item" }>;

export interface OutputRouterOptions {
  functions: ReadonlyMap<string, ServerFunction>;
  /** How many more calls of tools the response may make; what the model asks for beyond is refused. */
  callsLeft: number;
  /** Whether the turn may call the function of that name; what it may not is refused as well. */
  mayCall: (name: string) => boolean;
  /** Whether there is a tool of that name. A call of one that nobody offered is refused. */
  isOffered?: (name: string) => boolean;
  nextIndex: () => number;
  /** Ids that the response's items have already. Some providers repeat theirs from turn to turn. */
  usedIds: ReadonlySet<string>;
}

export class OutputRouter {
  readonly #options: OutputRouterOptions;
  readonly #destinations = new Map<number, Destination>();
  readonly #segments: TurnSegment[] = [];
  readonly #rejected: RejectedCall[] = [];
  #openCall: { segment: CallSegment; presenter: CallPresenter } | undefined;
  #calls = 0;
  #heldCharacters = 0;

  constructor(options: OutputRouterOptions) {
    this.#options = options;
  }

  /** What to write for an event of the upstream. It must be written before the next one is accepted. */
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
      case "refused":
        if (event.type === "response.output_item.done" && event.item.type === "function_call")
          destination.call.arguments = event.item.arguments;
        return [];
      case undefined:
        return [];
    }
  }

  /** The upstream's item at `output_index` is the one that the log has at another place, and under another id. */
  resumeItem(output_index: number, unfinished: { index: number; item: { id: string } }): void {
    this.#destinations.set(output_index, { kind: "log", index: unfinished.index, itemId: unfinished.item.id });
  }

  /** The calls that the turn asked for, and what was held behind them. Empty if it asked for none. */
  get segments(): readonly TurnSegment[] {
    return this.#segments;
  }

  /** Calls of the turn that are not made, and that no client is shown. */
  get rejected(): readonly RejectedCall[] {
    return this.#rejected;
  }

  /** The call that stands open in the log. */
  get openCall(): { segment: CallSegment; presenter: CallPresenter } | undefined {
    return this.#openCall;
  }

  /** A call or a question of this turn is not over: what comes now is behind it. */
  get #isHolding(): boolean {
    return this.#segments.length > 0;
  }

  #add(event: Added): ItemEventDraft[] {
    const { item, output_index } = event;
    const own = findServerFunction(item, this.#options.functions);
    if (own !== undefined) return this.#addCall(event, own.name, own.fn);
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
    const given = "call_id" in item && item.call_id ? { providerCallId: item.call_id } : {};
    // Ours is another one for each attempt, so that none is taken for a call that an earlier one has made.
    const call = { callId: newCallId(), ...given, name, arguments: "" };
    const segment: CallSegment = { kind: "call", call, itemIds: [itemId] };
    const isBehind = this.#isHolding;
    this.#destinations.set(output_index, { kind: "call", segment, fn, hasDeltas: false });
    this.#segments.push(segment);
    // A call that has to be approved first is shown as the question, once it is known what is asked.
    if (isBehind || fn.createApprovalRequest !== undefined) return [];
    this.#openCall = { segment, presenter: fn.presentCall({ itemId, output_index: this.#options.nextIndex() }) };
    return this.#openCall.presenter.open();
  }

  #reject(output_index: number, call: RejectedCall): ItemEventDraft[] {
    this.#destinations.set(output_index, { kind: "refused", call });
    this.#rejected.push(call);
    return [];
  }

  #routeCall(event: ItemEventDraft, destination: Extract<Destination, { kind: "call" }>): ItemEventDraft[] {
    const { segment, fn } = destination;
    const shown = this.#openCall?.segment === segment ? this.#openCall.presenter : undefined;
    if (event.type === "response.function_call_arguments.delta") {
      if (event.delta !== "") destination.hasDeltas = true;
      return shown?.delta(event.delta) ?? [];
    }
    if (event.type !== "response.output_item.done" || event.item.type !== "function_call") return [];
    const json = readArguments(event.item);
    segment.call.arguments = json;
    this.#count(json);
    if (fn.createApprovalRequest !== undefined) this.#requestApproval(segment, fn);
    if (shown === undefined) return [];
    return [...(destination.hasDeltas ? [] : shown.delta(json)), ...shown.begin(json)];
  }

  /** Puts the question in the place of the call. */
  #requestApproval(segment: CallSegment, fn: ServerFunction): void {
    const itemId = newItemId("mcp_approval_request");
    const item = fn.createApprovalRequest!(segment.call, itemId);
    const at = { output_index: 0, item };
    const events: ItemEventDraft[] = [
      { type: "response.output_item.added", ...at },
      { type: "response.output_item.done", ...at },
    ];
    this.#segments.splice(this.#segments.indexOf(segment), 1, { kind: "item", events, itemIds: [itemId] });
  }

  #hold(segment: ItemSegment, event: ItemEventDraft): void {
    segment.events.push(event);
    this.#count(JSON.stringify(event));
  }

  #count(json: string): void {
    this.#heldCharacters += json.length;
    if (this.#heldCharacters > MAX_HELD_CHARACTERS) throw new TurnTooLongError();
  }
}

/** The server's function that the item calls. A function of a namespace is the client's, whatever its name is. */
export function findServerFunction(
  item: OutputItem,
  functions: ReadonlyMap<string, ServerFunction>,
): { name: string; fn: ServerFunction } | undefined {
  if (item.type !== "function_call" || item.namespace != null) return undefined;
  const fn = functions.get(item.name);
  return fn && { name: item.name, fn };
}

/** Many models write nothing at all where a function needs nothing. */
function readArguments({ arguments: json }: { arguments: string }): string {
  return json.trim() === "" ? "{}" : json;
}

/** The event at another place, and of an item with another id. */
export function moveEvent(event: ItemEventDraft, output_index: number, itemId: string | undefined): ItemEventDraft {
  const moved = { ...event, output_index };
  if (itemId === undefined) return moved;
  if ("item" in moved) return { ...moved, item: { ...moved.item, id: itemId } };
  return "item_id" in moved ? { ...moved, item_id: itemId } : moved;
}
