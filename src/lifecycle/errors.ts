/**
 * One constructor per fault a client can cause or meet, each with its exact status, code, param and sentence
 * (contract 03 §3.4 and errors.json; contract 00 where the published contract is silent).
 */
import type { ErrorEnvelope } from "../protocol/error.ts";
import type { ResponseError, TerminalStatus } from "../protocol/response.ts";

interface ApiErrorFields {
  status: number;
  message: string;
  type?: string;
  param?: string | null;
  code?: string | null;
  headers?: Record<string, string>;
}

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(fields: ApiErrorFields) {
    super(fields.message);
    this.status = fields.status;
    this.type = fields.type ?? "invalid_request_error";
    this.param = fields.param ?? null;
    this.code = fields.code ?? null;
    this.headers = fields.headers ?? {};
  }

  toEnvelope(): ErrorEnvelope {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.code } };
  }
}

export function badRequest(message: string, param: string | null = null, code: string | null = null): ApiError {
  return new ApiError({ status: 400, message, param, code });
}

/** `suggestion` is the known name it may have been meant to be. */
export function unknownParameter(param: string, suggestion?: string): ApiError {
  const hint = suggestion === undefined ? "" : ` Did you mean '${suggestion}'?`;
  return badRequest(`Unknown parameter: '${param}'.${hint}`, param, "unknown_parameter");
}

export function missingParameter(param: string): ApiError {
  return badRequest(`Missing required parameter: '${param}'.`, param, "missing_required_parameter");
}

export function missingApiKey(): ApiError {
  const message = "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'.";
  return new ApiError({ status: 401, message, code: "invalid_api_key", headers: { "www-authenticate": "Bearer" } });
}

/** Shows the two ends of a long key at most, so that its owner recognises it and a log does not hold it. */
export function incorrectApiKey(key: string): ApiError {
  const shown = key.length > 12 ? `${key.slice(0, 3)}***${key.slice(-2)}` : "***";
  const message = `Incorrect API key provided: ${shown}.`;
  return new ApiError({ status: 401, message, code: "invalid_api_key", headers: { "www-authenticate": "Bearer" } });
}

export function foreignPage(): ApiError {
  const message =
    "Without API keys this server answers only clients of its own machine, by its own name. Set API_KEYS, or CORS_ORIGINS for a page.";
  return new ApiError({ status: 403, message, type: "permission_error", code: "foreign_origin" });
}

export function responseNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `Response with id '${id}' not found.` });
}

export function malformedResponseId(id: string): ApiError {
  const message = `Invalid 'response_id': '${id}'. Expected an ID that begins with 'resp'.`;
  return badRequest(message, "response_id", "invalid_id_prefix");
}

export function previousResponseNotFound(id: string): ApiError {
  return badRequest(
    `Previous response with id '${id}' not found.`,
    "previous_response_id",
    "previous_response_not_found",
  );
}

export function malformedPreviousResponseId(id: string): ApiError {
  const message = `Invalid 'previous_response_id': '${id}'. Expected an ID that begins with 'resp'.`;
  return badRequest(message, "previous_response_id", "invalid_id_prefix");
}

export function previousResponseUnfinished(id: string, status: string): ApiError {
  const message = `Previous response with id '${id}' is still ${status}. Wait for it to end, or cancel it.`;
  return badRequest(message, "previous_response_id", "previous_response_not_finished");
}

export function itemNotFound(id: string): ApiError {
  const message = `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`;
  return new ApiError({ status: 404, message, param: "input" });
}

export function toolOutputMissing(callId: string): ApiError {
  return badRequest(`No tool output found for function call ${callId}.`, "input");
}

/** The sentence is the hosted API's own. `item` is its id, or where it stands. */
export function encryptedContentUnverified(item: string, param: string): ApiError {
  const message = `The encrypted content for item ${item} could not be verified.`;
  return badRequest(message, param, "invalid_encrypted_content");
}

/** The sentence is the hosted API's own, with its empty quotes (contract 03 §3.4, "sic"). */
export function exclusiveContext(): ApiError {
  const message =
    "Mutually exclusive parameters: ''. Ensure you are only providing one of: 'previous_response_id' or 'conversation'.";
  return badRequest(message, null, "mutually_exclusive_parameters");
}

export function conversationNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `Conversation with id '${id}' not found.` });
}

export function conversationItemNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `Item with id '${id}' not found.` });
}

/** The published sentence knows no version; the second is made after it. */
export function promptNotFound(id: string, version?: string | null): ApiError {
  const named = version == null ? `Prompt with id '${id}'` : `Prompt with id '${id}' and version '${version}'`;
  return new ApiError({ status: 404, message: `${named} not found.` });
}

/** Where a template has the assistant speak, it can say only text. */
export function textVariableExpected(name: string): ApiError {
  const param = `prompt.variables.${name}`;
  return badRequest(
    `Invalid type for '${param}': expected a string, but got an object instead.`,
    param,
    "invalid_type",
  );
}

/** A template may name a variable many times: what a small request would grow to is bounded as the request itself is. */
export function filledPromptTooLong(length: number, limit: number): ApiError {
  const message = `Invalid 'prompt.variables': the prompt is too long with them. Expected a prompt with maximum length ${limit}, but got a prompt with length ${length} instead.`;
  return badRequest(message, "prompt.variables", "string_above_max_length");
}

const LOCKED_RETRY_SECONDS = 2;

/** Never 409, which official clients send again by themselves (contract 05 §5.1). */
export function conversationLocked(): ApiError {
  return new ApiError({
    status: 400,
    message: "Another process is currently operating on this conversation. Please retry in a few seconds.",
    param: "conversation",
    code: "conversation_locked",
    headers: { "retry-after": String(LOCKED_RETRY_SECONDS) },
  });
}

export function modelNotFound(model: string): ApiError {
  if (model === "") {
    return badRequest("The requested model '' does not exist.", "model", "model_not_found");
  }
  const message = `The model \`${model}\` does not exist or you do not have access to it.`;
  return new ApiError({ status: 404, message, code: "model_not_found" });
}

/** `place` is among the request's tools; `reason` names the setting that is missing. */
export function toolUnavailable(place: number, type: string, reason: string): ApiError {
  return badRequest(`The tool '${type}' is not available: ${reason}`, `tools[${place}]`, "unsupported_value");
}

const CANCEL_REFUSALS: Record<Exclude<TerminalStatus, "cancelled">, string> = {
  completed: "Cannot cancel a completed response.",
  failed: "Cannot cancel a failed response.",
  incomplete: "Cannot cancel an incomplete response.",
};

export function cannotCancel(status: Exclude<TerminalStatus, "cancelled">): ApiError {
  return badRequest(CANCEL_REFUSALS[status]);
}

export function cannotCancelSynchronous(): ApiError {
  return badRequest("Cannot cancel a synchronous response.");
}

/** Where a cursor was given: a parameter, which `param` names, or a header, which it cannot. */
export type CursorSource = "starting_after" | "Last-Event-ID";

/** Contract 00, row 5: a cursor beyond the log is an answer about lost data, not an empty stream. */
export function cursorBeyondLog(cursor: number, last: number, source: CursorSource): ApiError {
  return badCursor(source, `${cursor} is beyond the last recorded event, which is ${last}.`);
}

export function malformedCursor(value: string, source: CursorSource): ApiError {
  return badCursor(source, `expected an integer >= 0, but got '${value}' instead.`);
}

function badCursor(source: CursorSource, fault: string): ApiError {
  const isHeader = source === "Last-Event-ID";
  const message = `Invalid '${source}'${isHeader ? " header" : ""}: ${fault}`;
  return badRequest(message, isHeader ? null : source, "invalid_value");
}

export function malformedClientRequestId(): ApiError {
  const message = "Invalid 'X-Client-Request-Id' header: expected at most 512 printable ASCII characters.";
  return badRequest(message, null, "invalid_value");
}

/** What is not HTTP: there is no request to speak of, only a connection to close. */
export function malformedHttp(): ApiError {
  return badRequest("The request is not valid HTTP.");
}

export function headersTooLarge(): ApiError {
  return new ApiError({ status: 431, message: "The request's headers are too large.", code: "headers_too_large" });
}

export function requestTimedOut(): ApiError {
  return new ApiError({ status: 408, message: "The request did not arrive in time.", code: "request_timeout" });
}

export function idempotencyKeyReuse(): ApiError {
  const message = "This Idempotency-Key was already used with a different request body.";
  return new ApiError({ status: 422, message, type: "idempotency_error", code: "idempotency_key_reuse" });
}

/** Contract 00, row 22: refused at the door, before an id is issued. */
export function queueFull(retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 429,
    message: "Too many responses are waiting or running. Please retry later.",
    type: "requests",
    code: "rate_limit_exceeded",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

/** The same for a project that has as many open responses as it may. */
export function projectFull(bound: number, retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 429,
    message: `Rate limit reached: ${bound} responses that are queued or in progress. Please retry in ${retryAfterSeconds} s.`,
    type: "requests",
    code: "rate_limit_exceeded",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

export function tooManyRequests(perMinute: number, retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 429,
    message: `Rate limit reached: ${perMinute} requests a minute. Please retry in ${retryAfterSeconds} s.`,
    type: "requests",
    code: "rate_limit_exceeded",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

/** Contract 00, row 23. */
export function storeUnavailable(retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 503,
    message: "The server's store is not reachable at the moment. Please retry.",
    type: "server_error",
    code: "service_unavailable",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

export function payloadTooLarge(limitBytes: number): ApiError {
  return new ApiError({
    status: 413,
    message: `The request body is too large. At most ${limitBytes} bytes are accepted.`,
    code: "request_too_large",
  });
}

export function invalidUrl(method: string, path: string): ApiError {
  return new ApiError({ status: 404, message: `Invalid URL (${method} ${path})` });
}

const LIMIT_CODES: ReadonlySet<string> = new Set(["rate_limit_exceeded", "insufficient_quota"]);

/** The end of a run that a request cannot do without, as an answer to the request. Its provider was tried again already. */
export function runFailed({ code, message, type, param }: ResponseError): ApiError {
  const status = code === "server_error" ? 500 : LIMIT_CODES.has(code) ? 429 : 400;
  return new ApiError({ status, message, type, param, code, headers: { "x-should-retry": "false" } });
}

export function internalError(): ApiError {
  return new ApiError({
    status: 500,
    message: "The server had an error processing your request. Retry, and give the x-request-id if it happens again.",
    type: "server_error",
  });
}
