/**
 * Every refusal with the error that it is answered with, made by its own constructor: what the description shows is what
 * is sent. One that is added to `lifecycle/errors.ts` does not compile until it stands here, and its endpoint names it.
 */
import { MAX_DEPTH } from "../http/json-body.ts";
import * as errors from "../lifecycle/errors.ts";

export interface Refusal {
  /** When it is answered. */
  when: string;
  error: errors.ApiError;
}

type Constructor = Exclude<keyof typeof errors, "ApiError" | "badRequest">;

const RESPONSE_ID = "resp_0123456789abcdef0123456789abcdef0123456789abcdef01";
const CONVERSATION_ID = "conv_0123456789abcdef0123456789abcdef0123456789abcdef01";
const ITEM_ID = "msg_0123456789abcdef0123456789abcdef0123456789abcdef01";
const DEFAULT_BODY_BYTES = 32 * 1024 * 1024;

export const REFUSALS = {
  missingApiKey: { when: "There is no key in `Authorization`.", error: errors.missingApiKey() },
  incorrectApiKey: { when: "The key is not one of `API_KEYS`.", error: errors.incorrectApiKey("wrong-key-of-mine") },
  foreignPage: {
    when: "A server without keys was called by another name than this machine's, or by a page of another origin.",
    error: errors.foreignPage(),
  },
  responseNotFound: {
    when: "There is no such response: unknown, deleted, expired, not stored, or another project's.",
    error: errors.responseNotFound(RESPONSE_ID),
  },
  malformedResponseId: {
    when: "The id in the path does not begin with `resp`.",
    error: errors.malformedResponseId("foo"),
  },
  previousResponseNotFound: {
    when: "`previous_response_id`, or a response that it continues, is not there or was not stored.",
    error: errors.previousResponseNotFound(RESPONSE_ID),
  },
  malformedPreviousResponseId: {
    when: "`previous_response_id` does not begin with `resp`.",
    error: errors.malformedPreviousResponseId("gen-123"),
  },
  previousResponseUnfinished: {
    when: "The response to continue has not ended.",
    error: errors.previousResponseUnfinished(RESPONSE_ID, "in_progress"),
  },
  itemNotFound: { when: "An `item_reference` names no item of the project's.", error: errors.itemNotFound(ITEM_ID) },
  toolOutputMissing: { when: "A function call in the input has no output.", error: errors.toolOutputMissing("call_1") },
  exclusiveContext: {
    when: "Both `previous_response_id` and `conversation` are given.",
    error: errors.exclusiveContext(),
  },
  conversationNotFound: {
    when: "There is no such conversation: unknown, deleted, or another project's.",
    error: errors.conversationNotFound(CONVERSATION_ID),
  },
  conversationItemNotFound: {
    when: "The conversation has no such item.",
    error: errors.conversationItemNotFound(ITEM_ID),
  },
  conversationLocked: {
    when: "A response of the conversation has not ended.",
    error: errors.conversationLocked(),
  },
  modelNotFound: { when: "No configured provider has the model.", error: errors.modelNotFound("gpt-nope") },
  cannotCancel: {
    when: "It has ended otherwise: the sentence says completed, failed or incomplete.",
    error: errors.cannotCancel("completed"),
  },
  cannotCancelSynchronous: { when: "It was not created with `background`.", error: errors.cannotCancelSynchronous() },
  cursorBeyondLog: {
    when: "The cursor is beyond the last event: the client has seen more than is recorded.",
    error: errors.cursorBeyondLog(90, 41),
  },
  malformedCursor: {
    when: "`starting_after`, or `Last-Event-ID`, is not an integer from 0.",
    error: errors.malformedCursor("-1"),
  },
  idempotencyKeyReuse: {
    when: "The `Idempotency-Key` came with another body before.",
    error: errors.idempotencyKeyReuse(),
  },
  queueFull: { when: "`MAX_OPEN_RESPONSES` are waiting or running.", error: errors.queueFull(5) },
  tooManyRequests: {
    when: "The project has used up `RATE_LIMIT_REQUESTS_PER_MINUTE`.",
    error: errors.tooManyRequests(600, 12),
  },
  storeUnavailable: { when: "Redis does not answer. Nothing was accepted.", error: errors.storeUnavailable(2) },
  runInterrupted: {
    when: "A foreground response was waited for by a process that is going away, or can no longer read it. Do not send it again.",
    error: errors.runInterrupted("closing"),
  },
  listCursorNotFound: { when: "`after` names no item of the list.", error: errors.listCursorNotFound(ITEM_ID) },
  malformedUrl: { when: "The path holds a broken percent-encoding.", error: errors.malformedUrl() },
  unreadableBody: {
    when: "The body cannot be decompressed, or ended too early.",
    error: errors.unreadableBody(),
  },
  unsupportedEncoding: { when: "`Content-Encoding` is none that is known.", error: errors.unsupportedEncoding() },
  malformedJson: { when: "The body is not JSON in UTF-8.", error: errors.malformedJson() },
  bodyTooDeep: { when: "The body is nested too deeply.", error: errors.bodyTooDeep(MAX_DEPTH) },
  payloadTooLarge: {
    when: "The body is larger than `MAX_BODY_BYTES`.",
    error: errors.payloadTooLarge(DEFAULT_BODY_BYTES),
  },
  invalidUrl: {
    when: "There is no such path, or it does not take this method.",
    error: errors.invalidUrl("POST", "/v1/foo"),
  },
  internalError: { when: "A fault of this server's.", error: errors.internalError() },
} satisfies Record<Constructor, Refusal>;

/** What a parser says to each of these bodies or queries, which are wrong in one way each. */
export function faultsOf(parse: (value: unknown) => unknown, wrong: Readonly<Record<string, unknown>>): Refusal[] {
  return Object.entries(wrong).map(([when, value]) => {
    try {
      parse(value);
    } catch (error) {
      if (error instanceof errors.ApiError) return { when, error };
      throw error;
    }
    throw new Error(`Nothing is wrong with the example of: ${when}`);
  });
}
