/**
 * Every error with an example from its own constructor, so that the document shows the bytes that are sent. An error that
 * is added to `lifecycle/errors/` does not compile until it is listed here.
 */
import { responseError } from "../lifecycle/lifecycle-events.ts";
import * as access from "../lifecycle/errors/access.ts";
import { ApiError } from "../lifecycle/errors/api-error.ts";
import type * as files from "../lifecycle/errors/files.ts";
import type * as http from "../lifecycle/errors/http.ts";
import * as limits from "../lifecycle/errors/limits.ts";
import * as requests from "../lifecycle/errors/requests.ts";
import * as server from "../lifecycle/errors/server.ts";
import * as state from "../lifecycle/errors/state.ts";
import { ORGANIZATION_ERRORS } from "./documented-organization-errors.ts";
import { FILE_ERRORS } from "./documented-file-errors.ts";
import { DEFAULT_BODY_BYTES, HTTP_ERRORS } from "./documented-http-errors.ts";
import { WEBHOOK_ERRORS } from "./documented-webhook-errors.ts";
import { CONTAINER_ID, CONVERSATION_ID, MESSAGE_ID, RESPONSE_ID } from "./example-ids.ts";

export interface DocumentedError {
  /** Its cause, as a sentence. */
  when: string;
  error: ApiError;
  /** The body or query that alone causes it. Tests send it. */
  invalid?: unknown;
}

/** Excludes the generic constructors of `src/lifecycle/errors/api-error.ts`. */
type ErrorName = keyof (typeof access &
  typeof files &
  typeof http &
  typeof limits &
  typeof requests &
  typeof server &
  typeof state);

export const DOCUMENTED_ERRORS = {
  ...ORGANIZATION_ERRORS,
  ...HTTP_ERRORS,
  missingApiKey: { when: "The request has no key in `Authorization`.", error: access.missingApiKey() },
  incorrectApiKey: { when: "The key is not one of `API_KEYS`.", error: access.incorrectApiKey("wrong-key-of-mine") },
  foreignPage: {
    when: "The server has no keys, and the request uses a host name other than this machine's, or comes from a page of another origin.",
    error: access.foreignPage(),
  },
  responseNotFound: {
    when: "The response does not exist: the id is unknown or another project's, or the response was deleted, expired or not stored.",
    error: state.responseNotFound(RESPONSE_ID),
  },
  malformedResponseId: {
    when: "The id in the path does not begin with `resp`.",
    error: requests.malformedResponseId("foo"),
  },
  malformedConversationId: {
    when: "The id in the path does not begin with `conv`.",
    error: requests.malformedConversationId("foo"),
  },
  malformedContainerId: {
    when: "The id in the path does not begin with `cntr`.",
    error: requests.malformedContainerId("foo"),
  },
  containerNotFound: {
    when: "The container does not exist: the id is unknown or another project's, or the container was deleted or expired.",
    error: state.containerNotFound(CONTAINER_ID),
  },
  ...FILE_ERRORS,
  ...WEBHOOK_ERRORS,
  previousResponseNotFound: {
    when: "The response `previous_response_id` names, or one before it in the chain, does not exist or was not stored.",
    error: state.previousResponseNotFound(RESPONSE_ID),
  },
  malformedPreviousResponseId: {
    when: "`previous_response_id` does not begin with `resp`.",
    error: requests.malformedPreviousResponseId("gen-123"),
  },
  previousResponseUnfinished: {
    when: "The response `previous_response_id` names has not ended.",
    error: state.previousResponseUnfinished(RESPONSE_ID, "in_progress"),
  },
  itemNotFound: {
    when: "An `item_reference` names an item that does not exist in this project.",
    error: state.itemNotFound(MESSAGE_ID, "input"),
  },
  itemExists: {
    when: "An item has the same id as another item of the request or the conversation.",
    error: state.itemExists(MESSAGE_ID, 0),
  },
  toolOutputMissing: {
    when: "A function call in the input has no output.",
    error: requests.toolOutputMissing("call_1"),
  },
  duplicateItem: {
    when: "Two input items have the same id, counting the items that references name.",
    error: requests.duplicateItem(MESSAGE_ID),
  },
  misplacedTrigger: {
    when: "A `compaction_trigger` is not the last input item.",
    error: requests.misplacedTrigger(0),
  },
  triggerNotKept: {
    when: "The items contain a `compaction_trigger`.",
    error: requests.triggerNotKept(0),
  },
  encryptedContentUnverified: {
    when: "An item's `encrypted_content` looks like this server's, but was changed or belongs to another project.",
    error: requests.encryptedContentUnverified("rs_1", "input"),
  },
  secretInItem: {
    when: "A tool in an item (`additional_tools`, `tool_search_output`) contains a secret: `authorization`, a header, or a domain secret.",
    error: requests.secretInItem("input[0].tools[0].authorization"),
  },
  windowUnsupported: {
    when: "`completion_window` is `2h` or `8h`, but `background` is not true, `service_tier` (of the request or its prompt) is not `auto` or `default`, or `stream` is true. The message names the conflict.",
    error: requests.windowUnsupported("8h", "without 'background': true"),
  },
  exclusiveContext: {
    when: "Both `previous_response_id` and `conversation` are given.",
    error: requests.exclusiveContext(),
  },
  conversationNotFound: {
    when: "The conversation does not exist: the id is unknown or another project's, or the conversation was deleted.",
    error: state.conversationNotFound(CONVERSATION_ID),
  },
  conversationItemNotFound: {
    when: "The conversation has no item with this id.",
    error: state.conversationItemNotFound(MESSAGE_ID),
  },
  conversationLocked: {
    when: "Another response of this conversation is in flight.",
    error: state.conversationLocked(),
  },
  promptNotFound: {
    when: "The prompt does not exist, or has no such `version`.",
    error: state.promptNotFound("pmpt_1", "7"),
  },
  textVariableExpected: {
    when: "A variable in an assistant message of the prompt is not a string.",
    error: requests.textVariableExpected("city"),
  },
  referencesTooLarge: {
    when: "The items that references name exceed `MAX_BODY_BYTES` in total.",
    error: requests.referencesTooLarge(DEFAULT_BODY_BYTES, "input"),
  },
  filledPromptTooLong: {
    when: "The prompt with its variables exceeds `MAX_BODY_BYTES` characters.",
    error: requests.filledPromptTooLong(40_000_000, DEFAULT_BODY_BYTES),
  },
  modelNotFound: { when: "No configured provider serves the model.", error: state.modelNotFound("gpt-nope") },
  toolUnavailable: {
    when: "Neither the model's provider nor this server can run a hosted tool. The message gives the reason.",
    error: state.toolUnavailable(0, "file_search", "This server has no vector stores."),
  },
  cannotCancel: {
    when: "The response already ended as completed, failed or incomplete.",
    error: state.cannotCancel("completed"),
  },
  cannotCancelSynchronous: {
    when: "The response was not created with `background`.",
    error: state.cannotCancelSynchronous(),
  },
  cursorBeyondLog: {
    when: "The response has ended, and the cursor is beyond its last recorded event: the client has seen events that are lost.",
    error: requests.cursorBeyondLog(90, 41, "starting_after"),
  },
  cursorNotRecorded: {
    when: "The response is in flight, and the cursor is beyond its last recorded event: Redis was restored from an older file. The worker records the events again.",
    error: server.cursorNotRecorded(90, 41),
  },
  malformedCursor: {
    when: "`starting_after` is not an integer >= 0.",
    error: requests.malformedCursor("-1", "starting_after"),
  },
  idempotencyKeyReuse: {
    when: "The `Idempotency-Key` was used with another body.",
    error: state.idempotencyKeyReuse(),
  },
  queueFull: { when: "The server has `MAX_OPEN_RESPONSES` responses in flight.", error: limits.queueFull(5) },
  projectFull: {
    when: "The project has `RATE_LIMIT_OPEN_RESPONSES_PER_PROJECT` responses in flight.",
    error: limits.projectFull(20, 5),
  },
  streamsFull: {
    when: "The project has `MAX_STREAMS_PER_PROJECT` streams open on this process.",
    error: limits.streamsFull(1_000, 5),
  },
  providerRateLimited: {
    when: "The provider's rate limit is reached, or too many requests for embeddings wait in this process.",
    error: limits.providerRateLimited("The provider's rate limit is reached.", 20),
  },
  storageFull: {
    when: "The project has reached `MAX_STORED_BYTES_PER_PROJECT`. Delete data, or wait until some expires.",
    error: limits.storageFull(2_147_483_648, 2_147_400_000, 90_000),
  },
  tooManyRequests: {
    when: "The project has reached `RATE_LIMIT_REQUESTS_PER_MINUTE`.",
    error: limits.tooManyRequests(600, 12),
  },
  storeUnavailable: {
    when: "Redis is unavailable, or its memory is full. The request was not accepted.",
    error: server.storeUnavailable(2),
  },
  runInterrupted: {
    when: "The process that waits for a foreground response shuts down, or cannot read the log. Retrieve the response by its id instead of sending the request again.",
    error: server.runInterrupted("closing"),
  },
  listCursorNotFound: {
    when: "`after` is not the id of an item in the list.",
    error: state.listCursorNotFound(MESSAGE_ID),
  },
  runFailed: {
    when: "The run failed, at the provider or on this server, after retries.",
    error: server.runFailed(responseError("server_error", "The provider failed.")),
  },
  internalError: { when: "An error in this server.", error: server.internalError() },
} satisfies Record<ErrorName, DocumentedError>;

/** The errors that `parse` throws for bodies or queries that are each invalid in one way. */
export function documentErrorsOf(
  parse: (value: unknown) => unknown,
  invalid: Readonly<Record<string, unknown>>,
): DocumentedError[] {
  return Object.entries(invalid).map(([when, value]) => {
    try {
      parse(value);
    } catch (error) {
      if (error instanceof ApiError) return { when, error, invalid: value };
      throw error;
    }
    throw new Error(`The example is valid: ${when}`);
  });
}
