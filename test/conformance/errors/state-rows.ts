/** Errors that depend on the server's state. */
import type { Rejection } from "./rows.ts";

const CALL = { type: "function_call", call_id: "call_x", name: "f", arguments: "{}" };
const UNKNOWN = { status: 404, message: "Response with id 'resp_x' not found." };

export const STATE_ROWS: Record<string, Rejection> = {
  "previous_response_id unknown": {
    ask: (server) => server.post({ previous_response_id: "resp_x" }),
    param: "previous_response_id",
    code: "previous_response_not_found",
    message: "Previous response with id 'resp_x' not found.",
  },
  "previous_response_id bad prefix": {
    ask: (server) => server.post({ previous_response_id: "gen-123" }),
    param: "previous_response_id",
    code: "invalid_id_prefix",
    message: "Invalid 'previous_response_id': 'gen-123'. Expected an ID that begins with 'resp'.",
  },
  "both prev + conversation": {
    ask: (server) => server.post({ previous_response_id: "resp_x", conversation: "conv_x" }),
    code: "mutually_exclusive_parameters",
    message:
      "Mutually exclusive parameters: ''. Ensure you are only providing one of: 'previous_response_id' or 'conversation'.",
  },
  "conversation unknown": {
    ask: (server) => server.post({ conversation: "conv_x" }),
    status: 404,
    message: "Conversation with id 'conv_x' not found.",
  },
  "conversation bad prefix": {
    ask: (server) => server.post({ conversation: "thread_x" }),
    param: "conversation",
    code: "invalid_value",
    message: "Invalid 'conversation': 'thread_x'. Expected an ID that begins with 'conv'.",
  },
  "conversation object bad prefix": {
    ask: (server) => server.send("POST", "/responses/input_tokens", { conversation: { id: "thread_x" } }),
    param: "conversation.id",
    code: "invalid_value",
    message: "Invalid 'conversation.id': 'thread_x'. Expected an ID that begins with 'conv'.",
  },
  "GET malformed conversation id": {
    ask: (server) => server.send("GET", "/conversations/foo/items"),
    param: "conversation_id",
    code: "invalid_value",
    message: "Invalid 'conversation_id': 'foo'. Expected an ID that begins with 'conv'.",
  },
  "GET unknown conversation id": {
    ask: (server) => server.send("GET", "/conversations/conv:x"),
    status: 404,
    message: "Conversation with id 'conv:x' not found.",
  },
  "conversation busy": {
    ask: async (server) => {
      const conversation = await server.conversation();
      await server.running({ conversation });
      return await server.post({ conversation });
    },
    param: "conversation",
    code: "conversation_locked",
    message: "Another process is currently operating on this conversation. Please retry in a few seconds.",
    headers: { "retry-after": "2" },
  },
  "prompt unknown": {
    ask: (server) => server.post({ prompt: { id: "pmpt_x" } }),
    status: 404,
    message: "Prompt with id 'pmpt_x' not found.",
  },
  "item_reference unknown": {
    ask: (server) => server.post({ input: [{ type: "item_reference", id: "rs_x" }] }),
    status: 404,
    param: "input",
    message:
      "Item with id 'rs_x' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input.",
  },
  "function_call without output": {
    ask: (server) => server.post({ input: [CALL] }),
    param: "input",
    message: "No tool output found for function call call_x.",
  },
  "GET unknown id": { ask: (server) => server.send("GET", "/responses/resp_x"), ...UNKNOWN },
  "GET malformed id": {
    ask: (server) => server.send("GET", "/responses/foo"),
    param: "response_id",
    code: "invalid_id_prefix",
    message: "Invalid 'response_id': 'foo'. Expected an ID that begins with 'resp'.",
  },
  "GET ?stream unknown id": { ask: (server) => server.send("GET", "/responses/resp_x?stream=true"), ...UNKNOWN },
  "starting_after negative": {
    ask: async (server) => await server.stream(await server.ended("completed"), "&starting_after=-1"),
    param: "starting_after",
    code: "invalid_value",
    message: "Invalid 'starting_after': expected an integer >= 0, but got '-1' instead.",
  },
  "starting_after text": {
    ask: async (server) => await server.stream(await server.ended("completed"), "&starting_after=ten"),
    param: "starting_after",
    code: "invalid_value",
    message: "Invalid 'starting_after': expected an integer >= 0, but got 'ten' instead.",
  },
  "starting_after text, of a poll": {
    ask: async (server) => await server.send("GET", `/responses/${await server.ended("completed")}?starting_after=ten`),
    param: "starting_after",
    code: "invalid_value",
    message: "Invalid 'starting_after': expected an integer >= 0, but got 'ten' instead.",
  },
  "starting_after beyond the log": {
    ask: async (server) => await server.stream(await server.ended("completed"), "&starting_after=999"),
    param: "starting_after",
    code: "invalid_value",
    // created, queued, in_progress, a message of one word in six events, completed
    message: "Invalid 'starting_after': 999 is beyond the last recorded event, which is 9.",
  },
  "starting_after beyond the log of a response that runs": {
    ask: async (server) => await server.stream(await server.running(), "&starting_after=999"),
    status: 503,
    type: "server_error",
    code: "service_unavailable",
    message:
      /^Event 999 is not recorded at the moment: the log ends with \d+, and the response is still running\. Please retry\.$/,
    headers: { "retry-after": "2" },
  },
  "cancel non-background": {
    ask: async (server) => await server.cancel(await server.ended("completed", { background: false })),
    message: "Cannot cancel a synchronous response.",
  },
  "cancel completed background": {
    ask: async (server) => await server.cancel(await server.ended("completed")),
    message: "Cannot cancel a completed response.",
  },
  "cancel failed": {
    ask: async (server) => await server.cancel(await server.ended("failed")),
    message: "Cannot cancel a failed response.",
  },
  "cancel incomplete": {
    ask: async (server) => await server.cancel(await server.ended("incomplete")),
    message: "Cannot cancel an incomplete response.",
  },
  "cancel unknown id": { ask: (server) => server.cancel("resp_x"), ...UNKNOWN },
  "delete unknown id": { ask: (server) => server.send("DELETE", "/responses/resp_x"), ...UNKNOWN },
  "idempotency key with another body": {
    ask: async (server) => {
      const headers = { "idempotency-key": "key-1" };
      await server.post({ background: true }, headers);
      return await server.post({ background: true, input: "Other" }, headers);
    },
    status: 422,
    type: "idempotency_error",
    code: "idempotency_key_reuse",
    message: "This Idempotency-Key was already used with a different request body.",
  },
  "rate limit": {
    ask: (server) => server.postTooOften(),
    status: 429,
    type: "requests",
    code: "rate_limit_exceeded",
    message: /^Rate limit reached: 1 requests a minute\. Please retry in \d+ s\.$/,
    headers: { "retry-after": /^\d+$/, "x-ratelimit-limit-requests": "1", "x-ratelimit-remaining-requests": "0" },
  },
  server: {
    ask: async (server) => await server.send("GET", `/responses/${await server.spoilt()}`),
    status: 500,
    type: "server_error",
    message: "The server had an error processing your request. Retry, and give the x-request-id if it happens again.",
  },
};
