/** One run from its request to its end, built by the code that builds every run. All endpoints take their examples from it. */
import { applyEvent, createInitialState } from "../lifecycle/apply-event.ts";
import { createCancelledEvent, createCompletedEvent, createInProgressEvent } from "../lifecycle/lifecycle-events.ts";
import { newResponse, createOpeningEvents } from "../lifecycle/new-response.ts";
import type { ResolvedRequest } from "../protocol/create-request.ts";
import type { ItemEventDraft } from "../protocol/event.ts";
import type { OutputItem } from "../protocol/item.ts";
import type { Response } from "../protocol/response.ts";
import { sequenceEvents } from "../stream/log/event-log.ts";
import { encodeFrames } from "../stream/fan-out/frame.ts";
import { COMPACTION_ID, MESSAGE_ID, RESPONSE_ID } from "./example-ids.ts";

const CREATED_AT = 1_775_000_000;
const TEXT = "A lease names its epoch.";

export const backgroundRequest = {
  model: "simulator/default",
  input: "Why do leases need epochs?",
  background: true,
} satisfies ResolvedRequest;

export const userMessage = {
  type: "message" as const,
  role: "user" as const,
  content: [{ type: "input_text" as const, text: "Why do leases need epochs?" }],
};
export const storedMessage = { ...userMessage, id: MESSAGE_ID, status: "completed" as const };

export const compaction = {
  type: "compaction" as const,
  id: COMPACTION_ID,
  encrypted_content: "brs1.k1.c2VhbGVkLCBhbmQgb25seSBhbiBleGFtcGxl",
};

const at = { item_id: MESSAGE_ID, output_index: 0, content_index: 0 };
const part = (text: string) => ({ type: "output_text" as const, text, annotations: [], logprobs: [] });
const message = (status: "in_progress" | "completed", text?: string) => ({
  type: "message" as const,
  id: at.item_id,
  role: "assistant" as const,
  status,
  content: text === undefined ? [] : [part(text)],
});

const firstEvents: ItemEventDraft[] = [
  { type: "response.output_item.added", output_index: 0, item: message("in_progress") },
  { type: "response.content_part.added", ...at, part: part("") },
  { type: "response.output_text.delta", ...at, delta: "A lease names ", logprobs: [] },
];
const lastEvents: ItemEventDraft[] = [
  { type: "response.output_text.delta", ...at, delta: "its epoch.", logprobs: [] },
  { type: "response.output_text.done", ...at, text: TEXT, logprobs: [] },
  { type: "response.content_part.done", ...at, part: part(TEXT) },
  { type: "response.output_item.done", output_index: 0, item: message("completed", TEXT) },
];

export const usage = {
  input_tokens: 7,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 5,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 12,
};
const output: OutputItem[] = [message("completed", TEXT)];

const created = newResponse(RESPONSE_ID, backgroundRequest, CREATED_AT);
const opening = createOpeningEvents(created);
const started = createInProgressEvent(created);
const completed = createCompletedEvent(started.response, { output, usage }, CREATED_AT + 2);

export const queuedResponse: Response = created;
export const runningResponse: Response = [started, ...firstEvents].reduce(
  applyEvent,
  createInitialState(opening[0]!),
).response;
export const completedResponse: Response = completed.response;
export const cancelledResponse: Response = createCancelledEvent(created).response;

const log = sequenceEvents(0, [...opening, started, ...firstEvents, ...lastEvents, completed]);

/** The answer to `GET …?stream=true&starting_after=`. */
export function streamAfter(last: number): string {
  const events = log.map((data, sequenceNumber) => ({ sequenceNumber, data })).slice(last + 1);
  return encodeFrames(events).toString();
}
export const LAST_BEFORE_TEXT = 4;
