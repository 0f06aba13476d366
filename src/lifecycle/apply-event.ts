/**
 * `applyEvent` folds the log into the Response. It is the only reducer: the worker, GET, cancel and the sweeper all use
 * it, so GET and the stream cannot disagree. Pure: it never changes the given state, and the new state shares
 * everything the event does not touch.
 */
import type { EventDraft, ItemEventDraft } from "../protocol/event.ts";
import type { OutputItem } from "../protocol/item.ts";
import type { Response } from "../protocol/response.ts";
import { changeItem } from "./change-item.ts";

/** A response in progress, with the indices of output items that were added but are not done. */
export interface ResponseState {
  readonly response: Response;
  readonly openIndices: ReadonlySet<number>;
}

const NONE: ReadonlySet<number> = new Set();

export class IllegalEventError extends Error {
  override readonly name = "IllegalEventError";
  constructor(event: { type: string }, reason: string) {
    super(`${event.type}: ${reason}`);
  }
}

/** Every log starts with `response.created`. */
export function createInitialState(event: EventDraft): ResponseState {
  if (event.type !== "response.created") throw new IllegalEventError(event, "a log begins with response.created.");
  return { response: event.response, openIndices: NONE };
}

export function applyEvent(state: ResponseState, event: EventDraft): ResponseState {
  switch (event.type) {
    case "response.created":
    case "response.queued":
    case "response.in_progress":
      return { ...state, response: event.response };
    case "response.completed":
    case "response.incomplete":
    case "response.failed":
      return { response: event.response, openIndices: NONE };
    case "response.output_item.added":
      return addItem(state, event);
    case "response.output_item.done":
      return finishItem(state, event);
    case "error":
    case "response.audio.delta":
    case "response.audio.done":
    case "response.audio.transcript.delta":
    case "response.audio.transcript.done":
      return state;
    default:
      return changeOpenItem(state, event);
  }
}

function addItem(
  state: ResponseState,
  event: Extract<ItemEventDraft, { type: "response.output_item.added" }>,
): ResponseState {
  const { output } = state.response;
  if (event.output_index !== output.length) {
    throw new IllegalEventError(event, `output_index ${event.output_index} is not the next, ${output.length}.`);
  }
  return {
    response: withOutput(state.response, [...output, event.item]),
    openIndices: new Set(state.openIndices).add(event.output_index),
  };
}

function finishItem(
  state: ResponseState,
  event: Extract<ItemEventDraft, { type: "response.output_item.done" }>,
): ResponseState {
  if (!state.openIndices.has(event.output_index)) {
    throw new IllegalEventError(event, `output_index ${event.output_index} is not open.`);
  }
  const openIndices = new Set(state.openIndices);
  openIndices.delete(event.output_index);
  const output = itemsOf(state).with(event.output_index, event.item);
  return { response: withOutput(state.response, output), openIndices };
}

/**
 * Applies an event between an item's added and done. An unknown event changes nothing, because `done` carries the whole
 * item.
 */
function changeOpenItem(state: ResponseState, event: ItemEventDraft): ResponseState {
  const item = state.response.output[event.output_index];
  if (item === undefined) throw new IllegalEventError(event, `output_index ${event.output_index} was never added.`);
  const changed = changeItem(item, event);
  if (changed === item) return state;
  const output = itemsOf(state).with(event.output_index, changed);
  return { response: withOutput(state.response, output), openIndices: state.openIndices };
}

function itemsOf(state: ResponseState): readonly OutputItem[] {
  return state.response.output;
}

function withOutput(response: Response, output: OutputItem[]): Response {
  return { ...response, output } as Response;
}

/** Folds a log, or the part of a log after `state`. */
export function foldEvents(events: Iterable<EventDraft>, state?: ResponseState): ResponseState | undefined {
  let folded = state;
  for (const event of events) folded = folded === undefined ? createInitialState(event) : applyEvent(folded, event);
  return folded;
}
