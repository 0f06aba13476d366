/** Operations on an existing response. */
import { parseFlag } from "../../http/validation/queries.ts";
import { cursorBeyondLog, malformedCursor } from "../../lifecycle/errors/requests.ts";
import { deletedResponseSchema, responseSchema } from "../../protocol/response.ts";
import { type Endpoint, queryParameter } from "../endpoint.ts";
import { RESPONSE_ID } from "../example-ids.ts";
import {
  cancelledResponse,
  completedResponse,
  LAST_BEFORE_TEXT,
  runningResponse,
  storedMessage,
  streamAfter,
} from "../examples.ts";
import { documentErrorsOf } from "../documented-errors.ts";
import { itemListSchema, streamEventSchema } from "../wire.ts";
import { includeErrors, listErrors } from "./parameter-errors.ts";
import { flagSchema, includeParameter, listParameters, responseId } from "./parameters.ts";

const NOT_FOUND_ERRORS = ["malformedResponseId", "responseNotFound", "storeUnavailable"] as const;

export const retrieveResponse: Endpoint = {
  id: "retrieveResponse",
  tag: "Responses",
  summary: "Get a response or its stream",
  description: [
    "Without `stream`: the current response. Its output is partial until the response ends.",
    "",
    "With `stream=true`: the recorded events, then live events. The stream starts at the first event, or after `starting_after`, and ends after the terminal event. If a connection ends earlier, request the stream again with the last sequence number you received. Every API process can serve the whole log for as long as the response is kept, and every subscriber gets the same bytes.",
    "",
    "Both work whether or not the response was created with `background` or `stream`.",
  ].join("\n"),
  parameters: [
    responseId,
    queryParameter("stream", "Return the events instead of the response. The `Accept` header is ignored.", flagSchema),
    queryParameter(
      "starting_after",
      "Return events after this sequence number. Without it, the stream starts at event 0.",
      {
        type: "integer",
        minimum: 0,
      },
    ),
    queryParameter("include_obfuscation", "Pad deltas to hide the length of their text.", flagSchema),
    {
      ...includeParameter,
      description: "Validated, but without effect: a response shows what the request that created it included.",
    },
    {
      name: "Last-Event-ID",
      in: "header",
      description:
        "Last sequence number received, as an `EventSource` sends it when it reconnects. `starting_after` takes precedence.",
      schema: { type: "integer", minimum: 0 },
    },
  ],
  answers: {
    200: {
      description: [
        "The response or, with `stream`, its events.",
        "",
        "Each event is one frame: `id: <sequence_number>`, `event: <type>`, `data: <the event as JSON in one line>`. The schema describes the JSON. After `STREAM_HEARTBEAT_MS` without an event, the server sends the comment line `: keep-alive`. No blank line follows it, so the comment becomes the first line of the next frame and dispatches no event.",
      ].join("\n"),
      headers: ["openai-poll-after-ms"],
      content: {
        "application/json": {
          schema: responseSchema,
          examples: { "In progress": runningResponse, Completed: completedResponse },
        },
        "text/event-stream": {
          schema: streamEventSchema,
          examples: { [`Events after ${LAST_BEFORE_TEXT}`]: streamAfter(LAST_BEFORE_TEXT) },
        },
      },
    },
    204: {
      description:
        "With `stream`: the response has ended, and `Last-Event-ID` is its last event. An `EventSource` stops reconnecting. (With `starting_after` the answer is 200 and an empty stream.)",
    },
  },
  errors: [
    ...NOT_FOUND_ERRORS,
    "malformedCursor",
    "cursorBeyondLog",
    "cursorNotRecorded",
    "streamsFull",
    { when: "`Last-Event-ID` is not an integer >= 0.", error: malformedCursor("-1", "Last-Event-ID") },
    {
      when: "The response has ended, and `Last-Event-ID` is beyond its last recorded event.",
      error: cursorBeyondLog(90, 41, "Last-Event-ID"),
    },
    ...documentErrorsOf((query) => parseFlag(query as Record<string, string>, "stream"), {
      "`stream` or `include_obfuscation` is not a boolean.": { stream: "maybe" },
    }),
    ...includeErrors,
  ],
};

export const deleteResponse: Endpoint = {
  id: "deleteResponse",
  tag: "Responses",
  summary: "Delete a response",
  description:
    "Erases the response and its log. A response that has not ended is cancelled first. Chains that contain it can no longer be continued.",
  parameters: [responseId],
  answers: {
    200: {
      description: "The response is deleted.",
      content: {
        "application/json": {
          schema: deletedResponseSchema,
          examples: { Deleted: { id: RESPONSE_ID, object: "response", deleted: true } },
        },
      },
    },
  },
  errors: NOT_FOUND_ERRORS,
};

export const cancelResponse: Endpoint = {
  id: "cancelResponse",
  tag: "Responses",
  summary: "Cancel a background response",
  description:
    "Ends the response at once and aborts the provider's request. Subscribers get `response.failed` with the cancelled response. A second cancel returns the same response. The request needs no body.",
  parameters: [responseId],
  answers: {
    200: {
      description: "The cancelled response with its partial output.",
      content: { "application/json": { schema: responseSchema, examples: { Cancelled: cancelledResponse } } },
    },
  },
  errors: [...NOT_FOUND_ERRORS, "cannotCancel", "cannotCancelSynchronous"],
};

export const listInputItems: Endpoint = {
  id: "listInputItems",
  tag: "Responses",
  summary: "List the input items of a response",
  description:
    "Lists the items of the request's own `input`, without the history from `previous_response_id` or `conversation`.",
  parameters: [responseId, ...listParameters],
  answers: {
    200: {
      description: "A page of items.",
      content: {
        "application/json": {
          schema: itemListSchema,
          examples: {
            "A string as one user message": {
              object: "list",
              data: [storedMessage],
              first_id: storedMessage.id,
              last_id: storedMessage.id,
              has_more: false,
            },
          },
        },
      },
    },
  },
  errors: [...NOT_FOUND_ERRORS, ...listErrors, "listCursorNotFound"],
};
