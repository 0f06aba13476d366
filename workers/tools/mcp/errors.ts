/** What can go wrong with an MCP server, and how it is said: in the item that shows it, and to the model. */
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

/** The server refused a message. What it said with it is not kept: it may repeat what it was sent. */
export class HttpStatusError extends Error {
  override readonly name = "HttpStatusError";
  readonly status: number;
  /** It does not know the session any more, and so has not looked at the message. */
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

/** A server's list that is longer than a model could be shown. */
export class ListTooLongError extends Error {
  override readonly name = "ListTooLongError";
  constructor() {
    super("The server has more tools than can be shown to a model. Name some in 'allowed_tools'.");
  }
}

/** A list that does not come to its end. What was read of it is shown. */
export class TooManyPagesError extends Error {
  override readonly name = "TooManyPagesError";
  constructor(pages: number) {
    super(`The server's list has more than ${pages} pages.`);
  }
}

export const PROTOCOL_VIOLATION = "The server's answer is not what the protocol allows.";
const UNKNOWN_VERSION = "protocol version is not supported";

/** Classes whose messages are this server's own words. */
const ERRORS_WITH_SAFE_MESSAGES = [GuardedFetchError, AnswerTooLongError, ListTooLongError, TooManyPagesError];

const MAX_MESSAGE_CHARACTERS = 2_000;

export function toMcpCallError(error: unknown, redact: Redact): McpCallError {
  const fault = classify(error);
  return { ...fault, message: redact(fault.message).slice(0, MAX_MESSAGE_CHARACTERS) };
}

/** What none of the classes is may say anything, and is not repeated. */
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
  if (error instanceof Error && ERRORS_WITH_SAFE_MESSAGES.some((own) => error instanceof own)) {
    return protocolError(ErrorCode.ConnectionClosed, error.message);
  }
  // The SDK's word for a connection that was closed before the message was sent.
  if (error instanceof Error && error.message === "Not connected") {
    return protocolError(ErrorCode.ConnectionClosed, "Connection closed");
  }
  // The SDK has no class of its own for a version that it does not know.
  if (error instanceof Error && error.message.includes(UNKNOWN_VERSION)) {
    return protocolError(
      ErrorCode.InvalidRequest,
      "The server speaks a version of the protocol that is not known here.",
    );
  }
  return protocolError(ErrorCode.ConnectionClosed, "The server could not be reached, or broke off its answer.");
}

function protocolError(code: number, message: string): McpCallError {
  return { type: "mcp_protocol_error", code, message };
}
