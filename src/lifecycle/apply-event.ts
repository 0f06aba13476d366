/**
 * `applyEvent` folds the log into the Response. It is the only reducer: the worker, GET, cancel and the sweeper all use
 * it, so that what GET answers and what the stream said cannot differ.
 *
 * Pure: the given state is never changed; what an event does not touch is shared between the old state and the new.
 */
import type { EventDraft, ItemEventDraft } from "../protocol/event.ts";
import type { MessagePart, OutputItem } from "../protocol/item.ts";
import type { Response } from "../protocol/response.ts";

/** A response under way, and which places of its output were added and not yet done. */
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

/** The first event of every log is `response.created`. */
export function initialState(event: EventDraft): ResponseState {
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
      return changeItem(state, event);
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

/** Events between an item's added and done. One that this server does not know changes nothing: done brings the item whole. */
function changeItem(state: ResponseState, event: ItemEventDraft): ResponseState {
  const item = state.response.output[event.output_index];
  if (item === undefined) throw new IllegalEventError(event, `output_index ${event.output_index} was never added.`);
  const changed = changedItem(item, event);
  if (changed === item) return state;
  const output = itemsOf(state).with(event.output_index, changed);
  return { response: withOutput(state.response, output), openIndices: state.openIndices };
}

function changedItem(item: OutputItem, event: ItemEventDraft): OutputItem {
  switch (event.type) {
    case "response.content_part.added":
    case "response.content_part.done":
      return withPart(item, event.content_index, () => event.part as MessagePart);
    case "response.output_text.delta":
      return withPart(item, event.content_index, (part) =>
        part?.type === "output_text" ? { ...part, text: part.text + event.delta } : part,
      );
    case "response.output_text.done":
      return withPart(item, event.content_index, (part) =>
        part?.type === "output_text" ? { ...part, text: event.text } : part,
      );
    case "response.output_text.annotation.added":
      return withPart(item, event.content_index, (part) =>
        part?.type === "output_text" && event.annotation !== null
          ? { ...part, annotations: part.annotations.toSpliced(event.annotation_index, 1, event.annotation) }
          : part,
      );
    case "response.refusal.delta":
      return withPart(item, event.content_index, (part) =>
        part?.type === "refusal" ? { ...part, refusal: part.refusal + event.delta } : part,
      );
    case "response.refusal.done":
      return withPart(item, event.content_index, (part) =>
        part?.type === "refusal" ? { ...part, refusal: event.refusal } : part,
      );
    case "response.reasoning_text.delta":
      return withReasoningText(item, event.content_index, (text) => text + event.delta);
    case "response.reasoning_text.done":
      return withReasoningText(item, event.content_index, () => event.text);
    case "response.reasoning_summary_part.added":
    case "response.reasoning_summary_part.done":
      return withSummary(item, event.summary_index, () => event.part.text);
    case "response.reasoning_summary_text.delta":
      return withSummary(item, event.summary_index, (text) => text + event.delta);
    case "response.reasoning_summary_text.done":
      return withSummary(item, event.summary_index, () => event.text);
    case "response.function_call_arguments.delta":
      return item.type === "function_call" ? { ...item, arguments: item.arguments + event.delta } : item;
    case "response.function_call_arguments.done":
      return item.type === "function_call" ? { ...item, arguments: event.arguments } : item;
    case "response.mcp_call_arguments.delta":
      return appendTo(item, "arguments", event.delta);
    case "response.mcp_call_arguments.done":
      return { ...item, arguments: event.arguments };
    case "response.custom_tool_call_input.delta":
      return appendTo(item, "input", event.delta);
    case "response.custom_tool_call_input.done":
      return { ...item, input: event.input };
    case "response.code_interpreter_call_code.delta":
      return appendTo(item, "code", event.delta);
    case "response.code_interpreter_call_code.done":
      return { ...item, code: event.code };
    case "response.web_search_call.searching":
    case "response.file_search_call.searching":
    case "response.code_interpreter_call.interpreting":
    case "response.image_generation_call.generating":
      return { ...item, status: event.type.slice(event.type.lastIndexOf(".") + 1) } as OutputItem;
    default:
      return item;
  }
}

function itemsOf(state: ResponseState): readonly OutputItem[] {
  return state.response.output;
}

function withOutput(response: Response, output: OutputItem[]): Response {
  return { ...response, output } as Response;
}

function withPart(
  item: OutputItem,
  index: number,
  change: (part: MessagePart | undefined) => MessagePart | undefined,
): OutputItem {
  if (item.type !== "message" && item.type !== "reasoning") return item;
  const parts = (item.content ?? []) as MessagePart[];
  const part = change(parts[index]);
  if (part === undefined) return item;
  return { ...item, content: parts.toSpliced(index, 1, part) } as OutputItem;
}

function withReasoningText(item: OutputItem, index: number, change: (text: string) => string): OutputItem {
  if (item.type !== "reasoning") return item;
  const parts = item.content ?? [];
  const text = change(parts[index]?.text ?? "");
  return { ...item, content: parts.toSpliced(index, 1, { type: "reasoning_text", text }) };
}

function withSummary(item: OutputItem, index: number, change: (text: string) => string): OutputItem {
  if (item.type !== "reasoning") return item;
  const text = change(item.summary[index]?.text ?? "");
  return { ...item, summary: item.summary.toSpliced(index, 1, { type: "summary_text", text }) };
}

/** For the loosely typed fields of hosted items. */
function appendTo(item: OutputItem, field: string, delta: string): OutputItem {
  const before = (item as Record<string, unknown>)[field];
  return { ...item, [field]: (typeof before === "string" ? before : "") + delta };
}

/** Folds a log, or the part of it after `state`. */
export function foldEvents(events: Iterable<EventDraft>, state?: ResponseState): ResponseState | undefined {
  let folded = state;
  for (const event of events) folded = folded === undefined ? initialState(event) : applyEvent(folded, event);
  return folded;
}
