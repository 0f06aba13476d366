/** Operations that show the run of a response. */
import { parseEventTimesQuery } from "../../http/validation/queries.ts";
import { eventTimeListSchema, MAX_EVENT_TIMES, type Run, runSchema } from "../../protocol/run.ts";
import { documentErrorsOf } from "../documented-errors.ts";
import { type Endpoint, queryParameter } from "../endpoint.ts";
import { RESPONSE_ID } from "../example-ids.ts";
import { responseId } from "./parameters.ts";

const NOT_FOUND_ERRORS = ["malformedResponseId", "responseNotFound", "storeUnavailable"] as const;

const ACCEPTED_AT_MS = 1_750_000_000_000;

const waitingRun: Run = {
  object: "response.run",
  id: RESPONSE_ID,
  project: "research",
  status: "in_progress",
  background: true,
  model: "lab/large",
  served_model: "lab/large",
  step: {
    type: "waiting_for_provider",
    since_ms: ACCEPTED_AT_MS + 62_000,
    until_ms: ACCEPTED_AT_MS + 102_000,
    provider: "lab",
    reason: "Requests rate limit exceeded",
  },
  created_at_ms: ACCEPTED_AT_MS,
  started_at_ms: ACCEPTED_AT_MS + 20,
  first_event_at_ms: ACCEPTED_AT_MS + 900,
  ended_at_ms: null,
  last_event_at_ms: ACCEPTED_AT_MS + 61_500,
  deadline_at_ms: ACCEPTED_AT_MS + 86_400_000,
  last_sequence_number: 412,
  worker: "worker-1:17",
  attempts: [
    {
      attempt: 1,
      worker: "worker-1:17",
      started_at_ms: ACCEPTED_AT_MS + 20,
      ended_at_ms: ACCEPTED_AT_MS + 62_000,
      end: "waited",
      reason: "lab: Requests rate limit exceeded",
      count: 1,
    },
  ],
  attempt_count: 1,
  wait_count: 1,
  turn_count: 3,
  turn_starts: [0, 3, 8],
  tool_calls: { web_search: { completed: 5, failed: 1 } },
  usage: {
    input_tokens: 8_210,
    input_tokens_details: { cached_tokens: 4_096, cache_write_tokens: 0 },
    output_tokens: 611,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 8_821,
  },
  cost_usd: 0.0192,
  error: null,
};

export const retrieveRun: Endpoint = {
  id: "retrieveRun",
  tag: "Responses",
  summary: "Get the run of a response",
  description:
    "Shows the current step of the run, its attempts and how each ended, its waits, tool calls, usage and cost. `error.cause` names the cause that clients of the response do not see. An extension of this server.",
  parameters: [responseId],
  answers: {
    200: {
      description: "The run.",
      content: { "application/json": { schema: runSchema, examples: { "Waiting for its provider": waitingRun } } },
    },
  },
  errors: NOT_FOUND_ERRORS,
};

export const listEventTimes: Endpoint = {
  id: "listEventTimes",
  tag: "Responses",
  summary: "List the times of a response's events",
  description:
    "Lists when events were recorded, oldest first. An event that is not listed has the time of the last entry before it, and is at most 100 ms later. An extension of this server.",
  parameters: [
    responseId,
    queryParameter("limit", "Maximum number of entries.", {
      type: "integer",
      minimum: 1,
      maximum: MAX_EVENT_TIMES,
      default: MAX_EVENT_TIMES,
    }),
    queryParameter("after", "List entries after this sequence number.", { type: "integer", minimum: 0 }),
  ],
  answers: {
    200: {
      description: "A page of times.",
      content: {
        "application/json": {
          schema: eventTimeListSchema,
          examples: {
            "The first events": {
              object: "list",
              data: [
                { sequence_number: 0, recorded_at_ms: ACCEPTED_AT_MS },
                { sequence_number: 2, recorded_at_ms: ACCEPTED_AT_MS + 31 },
              ],
              has_more: false,
            },
          },
        },
      },
    },
  },
  errors: [
    ...NOT_FOUND_ERRORS,
    ...documentErrorsOf((query) => parseEventTimesQuery(query as Record<string, string>), {
      "`limit` is not an integer from 1 to 1000.": { limit: "0" },
      "`after` is not an integer >= 0.": { after: "-1" },
    }),
  ],
};
