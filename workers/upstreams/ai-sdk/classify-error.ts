/** What the AI SDK throws, or tells in its stream, in the terms of this server. */
import {
  APICallError,
  InvalidArgumentError,
  InvalidPromptError as SdkInvalidPromptError,
  TypeValidationError,
  UnsupportedFunctionalityError,
} from "@ai-sdk/provider";
import { responseError } from "../../../src/lifecycle/lifecycle-events.ts";
import { InvalidPromptError } from "../invalid-prompt.ts";
import {
  createBrokenStreamError,
  ProviderError,
  createHttpError,
  createReportedError,
  createUnreachableError,
} from "../provider/provider-error.ts";
import { asArray, asString, isObject } from "../provider/json.ts";
import { describesUnreadableOutput } from "../provider/error-kinds.ts";

export function classifyError(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error;
  if (APICallError.isInstance(error)) return classifyCallError(error);
  if (isRequestError(error)) {
    return new ProviderError(responseError("invalid_prompt", error.message), { retryable: false });
  }
  return createBrokenStreamError();
}

/** It was not sent: the SDK knows that this vendor has no such thing. */
function isRequestError(error: unknown): error is Error {
  return (
    error instanceof InvalidPromptError ||
    UnsupportedFunctionalityError.isInstance(error) ||
    SdkInvalidPromptError.isInstance(error) ||
    InvalidArgumentError.isInstance(error)
  );
}

function classifyCallError(error: APICallError): ProviderError {
  const status = error.statusCode;
  if (status === undefined) return createUnreachableError(error);
  if (status < 400) return createBrokenStreamError();
  const body = unwrapError(parse(error.responseBody));
  return createHttpError({
    status: isRejectedKey(body) ? 401 : status,
    headers: new Headers(error.responseHeaders),
    error: body,
    retryAfterMs: readRetryDelayMs(body),
  });
}

/** Anthropic's events without which an answer lacks something. Of others it promises that there may be any. */
const NEEDED_EVENTS: ReadonlySet<unknown> = new Set([
  "content_block_delta",
  "content_block_start",
  "content_block_stop",
  "error",
  "message_delta",
]);

/** Whether it is no more than an event that the SDK cannot read, and that says nothing of the answer. */
export function isIgnorableError(error: unknown): boolean {
  if (!TypeValidationError.isInstance(error)) return false;
  const { value } = error;
  if (!isObject(value)) return true;
  const says = value["error"] != null || asArray(value["candidates"]).length > 0 || describesUnreadableOutput(value);
  return !says && !NEEDED_EVENTS.has(value["type"]);
}

/** An error that came as a part of the stream: the SDK's own if the stream is broken, else the vendor's word. */
export function classifyStreamError(error: unknown): ProviderError {
  if (TypeValidationError.isInstance(error)) {
    const { value } = error;
    const isTold = isObject(value) && (value["error"] != null || describesUnreadableOutput(value));
    return isTold ? createReportedError(unwrapError(value)) : createBrokenStreamError();
  }
  if (error instanceof Error || !isObject(error)) return classifyError(error);
  const status = error["statusCode"] ?? error["code"];
  const told = isObject(error["data"]) ? unwrapError(error["data"]) : error;
  if (typeof status === "number" && status >= 400) return createHttpError({ status, headers: undefined, error: told });
  return createReportedError(told);
}

function parse(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? "");
  } catch {
    return undefined;
  }
}

/** Vendors wrap it in `error`, some in a list besides; some write it without a wrapping, some as a string. */
function unwrapError(body: unknown): unknown {
  const first = Array.isArray(body) ? asArray(body)[0] : body;
  return isObject(first) ? (first["error"] ?? first) : first;
}

function readDetails(error: unknown): readonly Record<string, unknown>[] {
  return isObject(error) ? asArray(error["details"]).filter(isObject) : [];
}

/** Google answers a wrong key with status 400. */
function isRejectedKey(error: unknown): boolean {
  return readDetails(error).some((detail) => detail["reason"] === "API_KEY_INVALID");
}

/** Google tells the wait in the body: `{"@type": "…RetryInfo", "retryDelay": "34.07s"}`. */
function readRetryDelayMs(error: unknown): number | undefined {
  for (const detail of readDetails(error)) {
    const seconds = /^(\d+(?:\.\d+)?)s$/.exec(asString(detail["retryDelay"]) ?? "")?.[1];
    if (seconds !== undefined) return Number(seconds) * 1_000;
  }
  return undefined;
}
