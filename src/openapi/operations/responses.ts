/** What is done to a response that is there: `GET`, `DELETE`, cancel, and its input. */
import { parseFlag } from "../../http/validation/validate.ts";
import { cursorBeyondLog, malformedCursor } from "../../lifecycle/errors/requests.ts";
import { deletedResponseSchema, responseSchema } from "../../protocol/response.ts";
import { type Endpoint, queryParameter } from "../endpoint.ts";
import {
  cancelledResponse,
  completedResponse,
  LAST_BEFORE_TEXT,
  RESPONSE_ID,
  runningResponse,
  storedMessage,
  streamAfter,
} from "../examples.ts";
import { faultsOf } from "../refusals.ts";
import { itemListSchema, streamEventSchema } from "../wire.ts";
import { includeFaults, listFaults } from "./faults.ts";
import { flagSchema, includeParameter, listParameters, responseId } from "./parameters.ts";

const NOT_THERE = ["malformedResponseId", "responseNotFound", "storeUnavailable"] as const;

export const retrieveResponse: Endpoint = {
  id: "retrieveResponse",
  tag: "Responses",
  summary: "Get a response, or follow its stream",
  description: [
    "Without `stream`: the response as it is now, with its partial output while it runs.",
    "",
    "With `stream=true`: its recorded events, from the first or from behind `starting_after`, byte for byte as everyone else got them, and the live ones after them. The stream ends after the terminal event. If it ends without one, ask again with the last number: any process has the whole log, for as long as the response is kept.",
    "",
    "It does not matter how the response was created.",
  ].join("\n"),
  parameters: [
    responseId,
    queryParameter("stream", "The events instead of the response. `Accept` does not matter.", flagSchema),
    queryParameter("starting_after", "Only events behind this number. Absent: all of them, from 0.", {
      type: "integer",
      minimum: 0,
    }),
    queryParameter(
      "include_obfuscation",
      "Pad the deltas, so that their length does not tell what they say.",
      flagSchema,
    ),
    {
      ...includeParameter,
      description:
        "Checked, and changes nothing: a response shows what it was created with, which is what its stream says.",
    },
    {
      name: "Last-Event-ID",
      in: "header",
      description: "What an `EventSource` sends by itself. `starting_after` comes first.",
      schema: { type: "integer", minimum: 0 },
    },
  ],
  answers: {
    200: {
      description: [
        "The response, or with `stream` its events.",
        "",
        "Each event is one frame, `id: <sequence_number>`, `event: <type>`, `data: <the event's JSON in one line>`; the schema is that of the JSON. A connection that got nothing for `STREAM_HEARTBEAT_MS` gets a comment line, `: keep-alive`, without a blank line: it is the first line of the next frame, and dispatches nothing by itself.",
      ].join("\n"),
      headers: ["openai-poll-after-ms"],
      content: {
        "application/json": {
          schema: responseSchema,
          examples: { "While it runs": runningResponse, "When it has ended": completedResponse },
        },
        "text/event-stream": {
          schema: streamEventSchema,
          examples: { [`From behind event ${LAST_BEFORE_TEXT}`]: streamAfter(LAST_BEFORE_TEXT) },
        },
      },
    },
    204: {
      description:
        "With `stream`: `Last-Event-ID` is the last event of a response that has ended. An `EventSource` stops asking then. (`starting_after` is answered with 200 and an empty stream.)",
    },
  },
  refusals: [
    ...NOT_THERE,
    "malformedCursor",
    "cursorBeyondLog",
    "cursorNotRecorded",
    "streamsFull",
    { when: "`Last-Event-ID` is not an integer from 0.", error: malformedCursor("-1", "Last-Event-ID") },
    {
      when: "`Last-Event-ID` is beyond the last event of a response that has ended.",
      error: cursorBeyondLog(90, 41, "Last-Event-ID"),
    },
    ...faultsOf((query) => parseFlag(query as Record<string, string>, "stream"), {
      "`stream`, or `include_obfuscation`, is no boolean.": { stream: "maybe" },
    }),
    ...includeFaults,
  ],
};

export const deleteResponse: Endpoint = {
  id: "deleteResponse",
  tag: "Responses",
  summary: "Delete a response",
  description: "Cancels it if it has not ended, and erases all of it. Responses that continue it can no longer be run.",
  parameters: [responseId],
  answers: {
    200: {
      description: "It is gone.",
      content: {
        "application/json": {
          schema: deletedResponseSchema,
          examples: { Deleted: { id: RESPONSE_ID, object: "response", deleted: true } },
        },
      },
    },
  },
  refusals: NOT_THERE,
};

export const cancelResponse: Endpoint = {
  id: "cancelResponse",
  tag: "Responses",
  summary: "Cancel a background response",
  description:
    "Ends it at once and for good, and stops the provider. Subscribers get `response.failed` with the cancelled response. Cancelling twice is cancelling once. A body is not needed.",
  parameters: [responseId],
  answers: {
    200: {
      description: "The cancelled response, with what it had produced.",
      content: { "application/json": { schema: responseSchema, examples: { Cancelled: cancelledResponse } } },
    },
  },
  refusals: [...NOT_THERE, "cannotCancel", "cannotCancelSynchronous"],
};

export const listInputItems: Endpoint = {
  id: "listInputItems",
  tag: "Responses",
  summary: "List the input of a response",
  description: "Its own input, without what came before it by `previous_response_id` or `conversation`.",
  parameters: [responseId, ...listParameters],
  answers: {
    200: {
      description: "A page of items.",
      content: {
        "application/json": {
          schema: itemListSchema,
          examples: {
            "A text is one user message": {
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
  refusals: [...NOT_THERE, ...listFaults, "listCursorNotFound"],
};
