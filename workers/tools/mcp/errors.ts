/** Errors of MCP servers, and their texts for the item and the model. */
import { STATUS_CODES } from "node:http";
import { SseError } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import type { OutputItem } from "../../../src/protocol/item.ts";
import { FetchTimeoutError, GuardedFetchError } from "../../net/errors.ts";
import type { Redact } from "../../../src/logging/redaction.ts";

export type McpCallError = Exclude<
  NonNullable<Extract<OutputItem, { type: "mcp_call" }>["error"]>,
  { type: "mcp_tool_execution_error" }
>;

/** The server rejected a message. Its body is dropped, because it may repeat what it received. */
export class HttpStatusError extends Error {
  override readonly name = "HttpStatusError";
  readonly status: number;
  /** The session is unknown, so the server has not processed the message. */
  readonly isSessionLost: boolean;
  constructor(status: number, isSessionLost: boolean) {
    super(`The server answered with HTTP status ${status}${STATUS_CODES[status] ? ` (${STATUS_CODES[status]})` : ""}.`);
    this.status = status;
    this.isSessionLost = isSessionLost;
  }
}

export class AnswerTooLongError extends Error {
  override readonly name = "AnswerTooLongError";
  constructor() {
    super("The server's answer is too long.");
  }
}

/** The list is longer than a model can see. */
export class ListTooLongError extends Error {
  override readonly name = "ListTooLongError";
  constructor() {
    super("The server has more tools than a model can see. Select some with 'allowed_tools'.");
  }
}

/** The list does not end. The tools that were read are used. */
export class TooManyPagesError extends Error {
  override readonly name = "TooManyPagesError";
  constructor(pages: number) {
    super(`The server's list has more than ${pages} pages.`);
  }
}

export const PROTOCOL_VIOLATION = "The server's answer violates the protocol.";
const UNKNOWN_VERSION = "protocol version is not supported";

/** Classes whose messages this server wrote. */
const ERRORS_WITH_SAFE_MESSAGES = [GuardedFetchError, AnswerTooLongError, ListTooLongError, TooManyPagesError];

const MAX_MESSAGE_CHARACTERS = 2_000;

export function toMcpCallError(error: unknown, redact: Redact): McpCallError {
  const callError = classify(error);
  return { ...callError, message: redact(callError.message).slice(0, MAX_MESSAGE_CHARACTERS) };
}

/** Other errors may contain anything, so their messages are dropped. */
function classify(error: unknown): McpCallError {
  if (error instanceof HttpStatusError) return { type: "http_error", code: error.status, message: error.message };
  if ((error instanceof StreamableHTTPError || error instanceof SseError) && (error.code ?? 0) > 0) {
    return { type: "http_error", code: error.code!, message: new HttpStatusError(error.code!, false).message };
  }
  if (error instanceof StreamableHTTPError || (error instanceof Error && error.name.includes("ZodError"))) {
    return protocolError(ErrorCode.InvalidRequest, PROTOCOL_VIOLATION);
  }
  if (error instanceof McpError) {
    const message = error.message.replace(/^(MCP error -?\d+: )+/, "");
    return { type: "mcp_protocol_error", code: error.code, message };
  }
  if (error instanceof FetchTimeoutError) return protocolError(ErrorCode.RequestTimeout, error.message);
  if (error instanceof Error && ERRORS_WITH_SAFE_MESSAGES.some((each) => error instanceof each)) {
    return protocolError(ErrorCode.ConnectionClosed, error.message);
  }
  // The SDK's message for a connection that closed before the request was sent.
  if (error instanceof Error && error.message === "Not connected") {
    return protocolError(ErrorCode.ConnectionClosed, "Connection closed");
  }
  // The SDK has no class for an unsupported protocol version.
  if (error instanceof Error && error.message.includes(UNKNOWN_VERSION)) {
    return protocolError(ErrorCode.InvalidRequest, "The server uses an unsupported version of the protocol.");
  }
  return protocolError(ErrorCode.ConnectionClosed, "The server could not be reached, or interrupted its answer.");
}

function protocolError(code: number, message: string): McpCallError {
  return { type: "mcp_protocol_error", code, message };
}
