/** Small valid values for tests. */
import { applyEvent, createInitialState, type ResponseState } from "../../src/lifecycle/apply-event.ts";
import { newResponse, createOpeningEvents } from "../../src/lifecycle/new-response.ts";
import type { ResolvedRequest } from "../../src/protocol/create-request.ts";
import type { EventDraft } from "../../src/protocol/event.ts";
import { newId } from "../../src/protocol/id.ts";
import type { Usage } from "../../src/protocol/response.ts";
import type { AdmissionLimits } from "../../src/responses/admission/admission-limits.ts";
import type { NewRecord } from "../../src/store/response-record.ts";
import { sequenceEvents } from "../../src/stream/log/event-log.ts";

export const REQUEST = { model: "simulator/default", input: "Hello", background: true } satisfies ResolvedRequest;

/** A limit that no small value reaches. */
export const LIMITS: AdmissionLimits = {
  maxBodyBytes: 1024 * 1024,
  maxInputFileBytes: 1024 * 1024,
  maxOpenResponses: 100,
  maxOpenPerProject: 0,
  maxStoredBytesPerProject: 0,
  maxRequestsPerMinute: 0,
  maxTokensPerMinute: 0,
  retentionSeconds: 60,
  unstoredRetentionSeconds: 60,
  deadlineSeconds: 60,
  windowReserveSeconds: 60,
  flexMaxWaitSeconds: 60,
};

export const USAGE: Usage = {
  input_tokens: 1,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 2,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 3,
};

export function sampleResponse(request: Partial<ResolvedRequest> = {}, id = newId("resp")) {
  return newResponse(id, { ...REQUEST, ...request }, 1_700_000_000);
}

export function openingState(response = sampleResponse()): ResponseState {
  const [created, ...rest] = createOpeningEvents(response);
  return rest.reduce<ResponseState>(applyEvent, createInitialState(created!));
}

/** A message of `words`, as an upstream would yield it. */
export function messageEvents(output_index: number, words: readonly string[], item_id = newId("msg")): EventDraft[] {
  const at = { item_id, output_index, content_index: 0 };
  const item = { type: "message" as const, id: item_id, role: "assistant" as const };
  const part = (text: string) => ({ type: "output_text" as const, text, annotations: [], logprobs: [] });
  const text = words.join("");
  return [
    { type: "response.output_item.added", output_index, item: { ...item, status: "in_progress", content: [] } },
    { type: "response.content_part.added", ...at, part: part("") },
    ...words.map((delta) => ({ type: "response.output_text.delta" as const, ...at, delta, logprobs: [] })),
    { type: "response.output_text.done", ...at, text, logprobs: [] },
    { type: "response.content_part.done", ...at, part: part(text) },
    { type: "response.output_item.done", output_index, item: { ...item, status: "completed", content: [part(text)] } },
  ];
}

export function sampleRecord(fields: Partial<NewRecord> = {}): NewRecord {
  const id = fields.id ?? newId("resp");
  const response = sampleResponse({}, id);
  const nowMs = Date.now();
  return {
    id,
    project: "default",
    status: "queued",
    background: true,
    readable: true,
    stored: true,
    priority: 2,
    latestStartMs: 0,
    continuationId: "",
    createdAtMs: nowMs,
    deadlineMs: nowMs + 60_000,
    retentionSeconds: 60,
    idempotencyHash: "",
    conversationId: "",
    request: { request: REQUEST, ancestors: [] },
    input: [],
    events: sequenceEvents(0, createOpeningEvents(response)),
    ...fields,
  };
}
