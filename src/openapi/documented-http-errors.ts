/** The errors of HTTP itself, each with an example from its own constructor. */
import { DEFAULT_MAX_VALUES, MAX_DEPTH, MAX_FIELDS } from "../http/middleware/json-body.ts";
import * as http from "../lifecycle/errors/http.ts";

export const DEFAULT_BODY_BYTES = 32 * 1024 * 1024;

export const HTTP_ERRORS = {
  malformedClientRequestId: {
    when: "`X-Client-Request-Id` exceeds 512 characters, or is not printable ASCII.",
    error: http.malformedClientRequestId(),
  },
  malformedHttp: { when: "The input is not valid HTTP.", error: http.malformedHttp() },
  missingHost: { when: "An HTTP/1.1 request has no `Host` header.", error: http.missingHost() },
  severalHosts: { when: "The request has more than one `Host` header.", error: http.severalHosts() },
  expectationFailed: { when: "`Expect` has a value other than `100-continue`.", error: http.expectationFailed() },
  socketsNotSpoken: { when: "The request is a WebSocket handshake.", error: http.socketsNotSpoken() },
  headersTooLarge: { when: "The headers exceed 16 KiB.", error: http.headersTooLarge() },
  requestTimedOut: { when: "The request did not arrive in time.", error: http.requestTimedOut() },
  malformedUrl: { when: "The path contains an invalid percent-encoding.", error: http.malformedUrl() },
  unreadableBody: {
    when: "The body cannot be decompressed, or is cut off.",
    error: http.unreadableBody(),
  },
  unsupportedEncoding: { when: "`Content-Encoding` is not supported.", error: http.unsupportedEncoding() },
  malformedJson: { when: "The body is not JSON encoded as UTF-8.", error: http.malformedJson() },
  bodyTooDeep: { when: "The body has too many levels of nesting.", error: http.bodyTooDeep(MAX_DEPTH) },
  tooManyFields: { when: "An object in the body has too many fields.", error: http.tooManyFields(MAX_FIELDS) },
  tooManyValues: {
    when: "The body has more than `MAX_BODY_VALUES` values. Field names count as values.",
    error: http.tooManyValues(DEFAULT_MAX_VALUES),
  },
  payloadTooLarge: {
    when: "The body exceeds `MAX_BODY_BYTES`.",
    error: http.payloadTooLarge(DEFAULT_BODY_BYTES),
  },
  invalidUrl: {
    when: "The path does not exist, or does not support this method.",
    error: http.invalidUrl("POST", "/v1/foo"),
  },
};
