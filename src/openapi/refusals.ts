/**
 * Every refusal with the error that it is answered with, made by its own constructor: what the description shows is what
 * is sent. One that is added to `lifecycle/errors/` does not compile until it stands here, and its endpoint names it.
 */
import { DEFAULT_VALUES, MAX_DEPTH, MAX_FIELDS } from "../http/middleware/json-body.ts";
import { responseError } from "../lifecycle/end-response.ts";
import * as access from "../lifecycle/errors/access.ts";
import { ApiError } from "../lifecycle/errors/api-error.ts";
import * as http from "../lifecycle/errors/http.ts";
import * as limits from "../lifecycle/errors/limits.ts";
import * as requests from "../lifecycle/errors/requests.ts";
import * as server from "../lifecycle/errors/server.ts";
import * as state from "../lifecycle/errors/state.ts";

export interface Refusal {
  /** When it is answered. */
  when: string;
  error: ApiError;
}

/** All but those of `api-error.ts`, which are no fault by themselves. */
type Constructor = keyof (typeof access & typeof http & typeof limits & typeof requests & typeof server & typeof state);

const RESPONSE_ID = "resp_0123456789abcdef0123456789abcdef0123456789abcdef01";
const CONVERSATION_ID = "conv_0123456789abcdef0123456789abcdef0123456789abcdef01";
const CONTAINER_ID = "cntr_0123456789abcdef0123456789abcdef0123456789abcdef01";
const ITEM_ID = "msg_0123456789abcdef0123456789abcdef0123456789abcdef01";
export const DEFAULT_BODY_BYTES = 32 * 1024 * 1024;

export const REFUSALS = {
  missingApiKey: { when: "There is no key in `Authorization`.", error: access.missingApiKey() },
  incorrectApiKey: { when: "The key is not one of `API_KEYS`.", error: access.incorrectApiKey("wrong-key-of-mine") },
  foreignPage: {
    when: "A server without keys was called by another name than this machine's, or by a page of another origin.",
    error: access.foreignPage(),
  },
  responseNotFound: {
    when: "There is no such response: unknown, deleted, expired, not stored, or another project's.",
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
    when: "There is no such container: unknown, deleted, expired, or another project's.",
    error: state.containerNotFound(CONTAINER_ID),
  },
  previousResponseNotFound: {
    when: "`previous_response_id`, or a response that it continues, is not there or was not stored.",
    error: state.previousResponseNotFound(RESPONSE_ID),
  },
  malformedPreviousResponseId: {
    when: "`previous_response_id` does not begin with `resp`.",
    error: requests.malformedPreviousResponseId("gen-123"),
  },
  previousResponseUnfinished: {
    when: "The response to continue has not ended.",
    error: state.previousResponseUnfinished(RESPONSE_ID, "in_progress"),
  },
  itemNotFound: {
    when: "An `item_reference` names no item of the project's.",
    error: state.itemNotFound(ITEM_ID, "input"),
  },
  itemExists: {
    when: "An item has the id of another one: of the request's, or in the conversation.",
    error: state.itemExists(ITEM_ID, 0),
  },
  toolOutputMissing: {
    when: "A function call in the input has no output.",
    error: requests.toolOutputMissing("call_1"),
  },
  duplicateItem: {
    when: "Two items in the input have one id, or an item and what a reference names.",
    error: requests.duplicateItem(ITEM_ID),
  },
  misplacedTrigger: {
    when: "A `compaction_trigger` is not the last item.",
    error: requests.misplacedTrigger(0),
  },
  triggerNotKept: {
    when: "A `compaction_trigger` is among the items.",
    error: requests.triggerNotKept(0),
  },
  encryptedContentUnverified: {
    when: "An item's `encrypted_content` begins as this server's does, and is not what it made for the project.",
    error: requests.encryptedContentUnverified("rs_1", "input"),
  },
  secretInItem: {
    when: "A tool in an item (`additional_tools`, `tool_search_output`) has a secret: `authorization`, a header, a domain's.",
    error: requests.secretInItem("input[0].tools[0].authorization"),
  },
  windowUnsupported: {
    when: "A `completion_window` of `2h` or `8h` without `background`, with a `service_tier` other than `auto` or `default` (the prompt's, too), or with `stream`: the sentence says which.",
    error: requests.windowUnsupported("8h", "without 'background': true"),
  },
  exclusiveContext: {
    when: "Both `previous_response_id` and `conversation` are given.",
    error: requests.exclusiveContext(),
  },
  conversationNotFound: {
    when: "There is no such conversation: unknown, deleted, or another project's.",
    error: state.conversationNotFound(CONVERSATION_ID),
  },
  conversationItemNotFound: {
    when: "The conversation has no such item.",
    error: state.conversationItemNotFound(ITEM_ID),
  },
  conversationLocked: {
    when: "A response of the conversation has not ended.",
    error: state.conversationLocked(),
  },
  promptNotFound: {
    when: "There is no such prompt, or not in that `version`.",
    error: state.promptNotFound("pmpt_1", "7"),
  },
  textVariableExpected: {
    when: "A variable that the prompt's assistant says is no text.",
    error: requests.textVariableExpected("city"),
  },
  referencesTooLarge: {
    when: "The items that references name are larger than `MAX_BODY_BYTES` together.",
    error: requests.referencesTooLarge(DEFAULT_BODY_BYTES, "input"),
  },
  filledPromptTooLong: {
    when: "With its variables the prompt has more than `MAX_BODY_BYTES` characters.",
    error: requests.filledPromptTooLong(40_000_000, DEFAULT_BODY_BYTES),
  },
  modelNotFound: { when: "No configured provider has the model.", error: state.modelNotFound("gpt-nope") },
  toolUnavailable: {
    when: "Neither the model's provider nor this server can run a hosted tool: the sentence says why.",
    error: state.toolUnavailable(0, "file_search", "This server has no vector stores."),
  },
  cannotCancel: {
    when: "It has ended otherwise: the sentence says completed, failed or incomplete.",
    error: state.cannotCancel("completed"),
  },
  cannotCancelSynchronous: { when: "It was not created with `background`.", error: state.cannotCancelSynchronous() },
  cursorBeyondLog: {
    when: "The cursor is beyond the last event of a response that has ended: the client has seen more than is recorded.",
    error: requests.cursorBeyondLog(90, 41, "starting_after"),
  },
  cursorNotRecorded: {
    when: "The cursor is beyond the last event of a response that still runs: Redis came back from an older file, and the events will be recorded again.",
    error: server.cursorNotRecorded(90, 41),
  },
  malformedCursor: {
    when: "`starting_after` is not an integer from 0.",
    error: requests.malformedCursor("-1", "starting_after"),
  },
  idempotencyKeyReuse: {
    when: "The `Idempotency-Key` came with another body before.",
    error: state.idempotencyKeyReuse(),
  },
  queueFull: { when: "`MAX_OPEN_RESPONSES` are waiting or running.", error: limits.queueFull(5) },
  projectFull: {
    when: "The project has `RATE_LIMIT_OPEN_RESPONSES_PER_PROJECT` waiting or running.",
    error: limits.projectFull(20, 5),
  },
  streamsFull: {
    when: "The project has `MAX_STREAMS_PER_PROJECT` event streams open in this process.",
    error: limits.streamsFull(1_000, 5),
  },
  storageFull: {
    when: "The project keeps `MAX_STORED_BYTES_PER_PROJECT`. Waiting alone does not help.",
    error: limits.storageFull(2_147_483_648, 2_147_400_000, 90_000),
  },
  tooManyRequests: {
    when: "The project has used up `RATE_LIMIT_REQUESTS_PER_MINUTE`.",
    error: limits.tooManyRequests(600, 12),
  },
  storeUnavailable: { when: "Redis does not answer. Nothing was accepted.", error: server.storeUnavailable(2) },
  runInterrupted: {
    when: "A foreground response was waited for by a process that is going away, or can no longer read it. Do not send it again.",
    error: server.runInterrupted("closing"),
  },
  listCursorNotFound: { when: "`after` names no item of the list.", error: state.listCursorNotFound(ITEM_ID) },
  malformedClientRequestId: {
    when: "`X-Client-Request-Id` is longer than 512 characters, or not ASCII.",
    error: http.malformedClientRequestId(),
  },
  malformedHttp: { when: "What came is not HTTP.", error: http.malformedHttp() },
  missingHost: { when: "A request of HTTP/1.1 has no `Host`.", error: http.missingHost() },
  severalHosts: { when: "The request has more than one `Host`.", error: http.severalHosts() },
  expectationFailed: { when: "`Expect` is not `100-continue`.", error: http.expectationFailed() },
  socketsNotSpoken: { when: "A handshake for a WebSocket.", error: http.socketsNotSpoken() },
  headersTooLarge: { when: "The headers are longer than 16 KiB.", error: http.headersTooLarge() },
  requestTimedOut: { when: "The request did not arrive in time.", error: http.requestTimedOut() },
  malformedUrl: { when: "The path holds a broken percent-encoding.", error: http.malformedUrl() },
  unreadableBody: {
    when: "The body cannot be decompressed, or ended too early.",
    error: http.unreadableBody(),
  },
  unsupportedEncoding: { when: "`Content-Encoding` is none that is known.", error: http.unsupportedEncoding() },
  malformedJson: { when: "The body is not JSON in UTF-8.", error: http.malformedJson() },
  bodyTooDeep: { when: "The body is nested too deeply.", error: http.bodyTooDeep(MAX_DEPTH) },
  tooManyFields: { when: "An object in the body has too many fields.", error: http.tooManyFields(MAX_FIELDS) },
  tooManyValues: {
    when: "The body has more values than `MAX_BODY_VALUES`, names of fields among them.",
    error: http.tooManyValues(DEFAULT_VALUES),
  },
  payloadTooLarge: {
    when: "The body is larger than `MAX_BODY_BYTES`.",
    error: http.payloadTooLarge(DEFAULT_BODY_BYTES),
  },
  invalidUrl: {
    when: "There is no such path, or it does not take this method.",
    error: http.invalidUrl("POST", "/v1/foo"),
  },
  runFailed: {
    when: "The run failed, at the provider or here. It was tried again already.",
    error: server.runFailed(responseError("server_error", "The provider failed.")),
  },
  internalError: { when: "A fault of this server's.", error: server.internalError() },
} satisfies Record<Constructor, Refusal>;

/** What a parser says to each of these bodies or queries, which are wrong in one way each. */
export function faultsOf(parse: (value: unknown) => unknown, wrong: Readonly<Record<string, unknown>>): Refusal[] {
  return Object.entries(wrong).map(([when, value]) => {
    try {
      parse(value);
    } catch (error) {
      if (error instanceof ApiError) return { when, error };
      throw error;
    }
    throw new Error(`Nothing is wrong with the example of: ${when}`);
  });
}
