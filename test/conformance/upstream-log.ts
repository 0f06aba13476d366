/** What every upstream must yield (contract 01 §1.4 and §1.6): read it whole, and check each rule of it. */
import assert from "node:assert/strict";
import { applyEvent, type ResponseState } from "../../src/lifecycle/apply-event.ts";
import { itemEventSchema, type ItemEventDraft } from "../../src/protocol/event.ts";
import { type OutputItem, outputItemSchema } from "../../src/protocol/item.ts";
import { responseErrorSchema, usageSchema } from "../../src/protocol/response.ts";
import type { UpstreamEvent, UpstreamFinish } from "../../workers/upstream.ts";
import { openingState } from "../support/samples.ts";

export interface UpstreamLog {
  events: ItemEventDraft[];
  finish: UpstreamFinish;
  /** The events, folded. */
  output: readonly OutputItem[];
}

const KNOWN_TYPES = new Set<string>(itemEventSchema.options.map((option) => option.shape.type.value));
const KNOWN_ITEMS = new Set<string>(outputItemSchema.options.map((option) => option.shape.type.value));
const TEXT_EVENT = /^response\.(output_text|refusal|reasoning_text|reasoning_summary_text)\.(delta|done)$/;

export async function readLog(stream: AsyncIterable<UpstreamEvent>): Promise<UpstreamLog> {
  const yielded: UpstreamEvent[] = [];
  for await (const event of stream) yielded.push(event);
  return checkLog(yielded);
}

function checkLog(yielded: readonly UpstreamEvent[]): UpstreamLog {
  const finishes = yielded.filter((event) => event.type === "finish");
  assert.equal(finishes.length, 1, "exactly one finish");
  assert.equal(yielded.at(-1)?.type, "finish", "nothing after the finish");
  const finish = finishes[0]!;
  const events = yielded.filter((event) => event.type !== "finish");
  let state = openingState();
  const parts = new OpenParts();
  for (const event of events) {
    checkShape(event);
    checkPlace(state, event);
    parts.check(event);
    // It throws if an item is not added at the next index, or not open when it is done.
    state = applyEvent(state, event);
  }
  checkFinish(finish, state);
  return { events, finish, output: state.response.output };
}

function checkShape(event: ItemEventDraft): void {
  assert(!("sequence_number" in event), "numbers are the log's to give");
  assert(!("obfuscation" in event), "padding is not passed on");
  if (isKnown(event)) itemEventSchema.parse({ ...event, sequence_number: 0 });
}

/** What a provider has that this server has no schema for is passed on as it came. */
function isKnown(event: ItemEventDraft): boolean {
  return KNOWN_TYPES.has(event.type) && (!("item" in event) || KNOWN_ITEMS.has(event.item.type));
}

function checkPlace(state: ResponseState, event: ItemEventDraft): void {
  if (event.type === "response.output_item.added") return;
  const item = state.response.output[event.output_index];
  assert(item !== undefined && state.openIndices.has(event.output_index), `${event.type} between added and done`);
  if ("item_id" in event) assert.equal(event.item_id, item.id, `${event.type} names its item`);
  if (event.type === "response.output_item.done") checkDone(item, event.item);
}

function checkDone(streamed: OutputItem, done: OutputItem): void {
  assert.equal(done.id, streamed.id, "an item keeps its id");
  assert.equal(done.type, streamed.type, "an item keeps its type");
  if (streamed.type === "function_call" && done.type === "function_call")
    assert.equal(done.call_id, streamed.call_id, "a call keeps its call_id");
  // If its text was streamed at all, it was streamed whole.
  const text = textOf(streamed);
  if (text !== "") assert.equal(textOf(done), text, "the deltas make the item");
}

/** Text comes inside a part: after it was added and before it is done. */
class OpenParts {
  readonly #open = new Set<string>();

  check(event: ItemEventDraft): void {
    const kind = event.type.startsWith("response.reasoning_summary_") ? "summary" : "content";
    const index = (event as Record<string, unknown>)[`${kind}_index`];
    const part = `${event.output_index} ${kind} ${String(index)}`;
    if (event.type.endsWith("_part.added")) {
      assert(!this.#open.has(part), `${event.type} once`);
      this.#open.add(part);
    } else if (event.type.endsWith("_part.done")) {
      assert(this.#open.delete(part), `${event.type} of an open part`);
    } else if (TEXT_EVENT.test(event.type)) {
      assert(this.#open.has(part), `${event.type} inside a part`);
    }
  }
}

function checkFinish(finish: UpstreamFinish, state: ResponseState): void {
  if (finish.status === "failed") {
    // What a failure leaves open is closed by whoever ends the response.
    responseErrorSchema.parse(finish.error);
    return;
  }
  assert.deepEqual([...state.openIndices], [], "items left open");
  usageSchema.parse(finish.usage);
}

/** What was streamed of an item, as one string. */
export function textOf(item: OutputItem): string {
  switch (item.type) {
    case "message":
      return item.content.map((part) => (part.type === "output_text" ? part.text : part.refusal)).join("");
    case "function_call":
      return item.arguments;
    case "reasoning":
      return [...item.summary, ...(item.content ?? [])].map((part) => part.text).join("");
    default:
      return "";
  }
}
