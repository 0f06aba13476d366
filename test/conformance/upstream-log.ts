/**
 * The events of any upstream (contract.md#item-events, contract.md#client-invariants): read completely, and checked
 * against each rule.
 */
import assert from "node:assert/strict";
import { applyEvent } from "../../src/lifecycle/apply-event.ts";
import { ItemGrammar } from "../../src/lifecycle/event-grammar/item-grammar.ts";
import { itemEventSchema, type ItemEventDraft } from "../../src/protocol/event.ts";
import { type OutputItem, outputItemSchema } from "../../src/protocol/item.ts";
import { responseErrorSchema, usageSchema } from "../../src/protocol/response.ts";
import type { UpstreamEvent, UpstreamFinish } from "../../workers/upstreams/upstream.ts";
import { openingState } from "../support/samples.ts";

export interface UpstreamLog {
  events: ItemEventDraft[];
  finish: UpstreamFinish;
  /** The events, folded. */
  output: readonly OutputItem[];
}

const KNOWN_TYPES = new Set<string>(itemEventSchema.options.map((option) => option.shape.type.value));
const KNOWN_ITEMS = new Set<string>(outputItemSchema.options.map((option) => option.shape.type.value));

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
  const events: ItemEventDraft[] = [];
  const grammar = new ItemGrammar();
  let state = openingState();
  for (const event of yielded) {
    if (event.type === "finish") continue;
    if (event.type === "hidden_reasoning") {
      assert(state.openIndices.has(event.output_index), "what is hidden belongs to an open item");
      assert.equal(state.response.output[event.output_index]!.type, "reasoning", "only reasoning is hidden");
      continue;
    }
    events.push(event);
    checkShape(event);
    grammar.accept(event);
    state = applyEvent(state, event);
  }
  checkFinish(finish, grammar);
  if (finish.status === "postponed") assert.deepEqual(events, [], "only what has not begun is postponed");
  return { events, finish, output: state.response.output };
}

function checkShape(event: ItemEventDraft): void {
  assert(!("sequence_number" in event), "numbers are the log's to give");
  assert(!("obfuscation" in event), "padding is not passed on");
  if (isKnown(event)) itemEventSchema.parse({ ...event, sequence_number: 0 });
}

/** A provider's item without a schema here is passed on unchanged. */
function isKnown(event: ItemEventDraft): boolean {
  return KNOWN_TYPES.has(event.type) && (!("item" in event) || KNOWN_ITEMS.has(event.item.type));
}

function checkFinish(finish: UpstreamFinish, grammar: ItemGrammar): void {
  if (finish.status === "failed" || finish.status === "postponed") {
    // The caller closes items that a failure leaves open.
    responseErrorSchema.parse(finish.error);
    return;
  }
  grammar.checkAllDone(finish);
  usageSchema.parse(finish.usage);
}

/** The streamed content of an item, as one string. */
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
