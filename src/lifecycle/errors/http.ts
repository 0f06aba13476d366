/** Errors of HTTP itself, before a request reaches the API. */
import { ApiError, badRequest } from "./api-error.ts";

/** The bytes are not HTTP, so there is no request to answer; the connection closes. */
export function malformedHttp(): ApiError {
  return badRequest("The request is not valid HTTP.");
}

/** RFC 9112, 3.2. */
export function missingHost(): ApiError {
  return badRequest("The request has no 'Host' header.");
}

/** RFC 9112, 3.2: two intermediaries might each pick a different host. */
export function severalHosts(): ApiError {
  return new ApiError({
    status: 400,
    message: "The request has more than one 'Host' header.",
    headers: { connection: "close" },
  });
}

/** RFC 9110, 10.1.1. The server does not wait for the withheld body. */
export function expectationFailed(): ApiError {
  return new ApiError({
    status: 417,
    message: "The request's 'Expect' header asks for what this server cannot meet. Only '100-continue' is known.",
    headers: { connection: "close" },
  });
}

/**
 * RFC 9110, 15.5.22: the answer names the protocol to use instead. Clients that try a WebSocket first (Codex) fall back
 * to HTTP after this status; after a 404 they would retry.
 */
export function socketsNotSpoken(): ApiError {
  return new ApiError({
    status: 426,
    message: "This server does not speak WebSocket. Send requests by HTTP: POST /v1/responses with 'stream': true.",
    code: "websocket_not_supported",
    headers: { upgrade: "HTTP/1.1", connection: "upgrade, close" },
  });
}

export function headersTooLarge(): ApiError {
  return new ApiError({ status: 431, message: "The request's headers are too large.", code: "headers_too_large" });
}

export function requestTimedOut(): ApiError {
  return new ApiError({ status: 408, message: "The request did not arrive in time.", code: "request_timeout" });
}

export function malformedUrl(): ApiError {
  return badRequest("The URL is not encoded correctly.");
}

export function invalidUrl(method: string, path: string): ApiError {
  return new ApiError({ status: 404, message: `Invalid URL (${method} ${path})` });
}

export function malformedClientRequestId(): ApiError {
  const message = "Invalid 'X-Client-Request-Id' header: expected at most 512 printable ASCII characters.";
  return badRequest(message, null, "invalid_value");
}

export function unreadableBody(): ApiError {
  return badRequest("The request body could not be read.");
}

export function unsupportedEncoding(): ApiError {
  return new ApiError({ status: 415, message: "The request body's encoding is not supported. Send UTF-8 JSON." });
}

export function malformedJson(): ApiError {
  return badRequest("We could not parse the JSON body of your request. The API expects a JSON object.");
}

export function bodyTooDeep(maxLevels: number): ApiError {
  return badRequest(`The request body is nested too deeply. At most ${maxLevels} levels are accepted.`);
}

/** The number of values drives the cost of a body as much as the number of bytes. */
export function tooManyValues(maxValues: number): ApiError {
  return new ApiError({
    status: 413,
    message: `The request body has too many values. At most ${maxValues} are accepted, names of fields among them.`,
    code: "too_many_values",
  });
}

export function tooManyFields(maxFields: number): ApiError {
  return new ApiError({
    status: 413,
    message: `An object in the request body has too many fields. At most ${maxFields} are accepted.`,
    code: "too_many_fields",
  });
}

/** The server does not read the rest of the body. */
export function payloadTooLarge(limitBytes: number): ApiError {
  return new ApiError({
    status: 413,
    message: `The request body is too large. At most ${limitBytes} bytes are accepted.`,
    code: "request_too_large",
    headers: { connection: "close" },
  });
}
