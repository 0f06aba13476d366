/** Converts errors that the AI SDK throws or streams. */
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
} from "../http/provider-error.ts";
import { asArray, asString, isObject, parseJson } from "../http/json.ts";
import { describesUnreadableOutput } from "../http/error-kinds.ts";

export function classifyError(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error;
  if (APICallError.isInstance(error)) return classifyCallError(error);
  if (isRequestError(error)) {
    return new ProviderError(responseError("invalid_prompt", error.message), { retryable: false });
  }
  return createBrokenStreamError();
}

/** The request was not sent: the SDK knows that this vendor does not support it. */
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
  const body = unwrapError(parseJson(error.responseBody ?? ""));
  return createHttpError({
    status: isRejectedKey(body) ? 401 : status,
    headers: new Headers(error.responseHeaders),
    error: body,
    retryAfterMs: readRetryDelayMs(body),
  });
}

/** Anthropic's events that an answer requires. Anthropic may add other events at any time. */
const NEEDED_EVENTS: ReadonlySet<unknown> = new Set([
  "content_block_delta",
  "content_block_start",
  "content_block_stop",
  "error",
  "message_delta",
]);

/** Whether the error is only an event that the SDK cannot parse and that has no content. */
export function isIgnorableError(error: unknown): boolean {
  if (!TypeValidationError.isInstance(error)) return false;
  const { value } = error;
  if (!isObject(value)) return true;
  const says = value["error"] != null || asArray(value["candidates"]).length > 0 || describesUnreadableOutput(value);
  return !says && !NEEDED_EVENTS.has(value["type"]);
}

/** Classifies an error part of the stream: a parser error of the SDK means a broken stream, others come from the vendor. */
export function classifyStreamError(error: unknown): ProviderError {
  if (TypeValidationError.isInstance(error)) {
    const { value } = error;
    const isReported = isObject(value) && (value["error"] != null || describesUnreadableOutput(value));
    return isReported ? createReportedError(unwrapError(value)) : createBrokenStreamError();
  }
  if (error instanceof Error || !isObject(error)) return classifyError(error);
  const status = error["statusCode"] ?? error["code"];
  const reported = isObject(error["data"]) ? unwrapError(error["data"]) : error;
  if (typeof status === "number" && status >= 400)
    return createHttpError({ status, headers: undefined, error: reported });
  return createReportedError(reported);
}

/** Vendors wrap the error in `error`, some also in a list. Some send it unwrapped, some as a string. */
function unwrapError(body: unknown): unknown {
  const first = Array.isArray(body) ? asArray(body)[0] : body;
  return isObject(first) ? (first["error"] ?? first) : first;
}

function readDetails(error: unknown): readonly Record<string, unknown>[] {
  return isObject(error) ? asArray(error["details"]).filter(isObject) : [];
}

/** Google reports an invalid key with status 400. */
function isRejectedKey(error: unknown): boolean {
  return readDetails(error).some((detail) => detail["reason"] === "API_KEY_INVALID");
}

/** Google puts the requested wait into the body: `{"@type": "…RetryInfo", "retryDelay": "34.07s"}`. */
function readRetryDelayMs(error: unknown): number | undefined {
  for (const detail of readDetails(error)) {
    const seconds = /^(\d+(?:\.\d+)?)s$/.exec(asString(detail["retryDelay"]) ?? "")?.[1];
    if (seconds !== undefined) return Number(seconds) * 1_000;
  }
  return undefined;
}
