/** What the AI SDK throws, or tells in its stream, in the terms of this server. */
import {
  APICallError,
  InvalidArgumentError,
  InvalidPromptError as SdkInvalidPromptError,
  TypeValidationError,
  UnsupportedFunctionalityError,
} from "@ai-sdk/provider";
import { responseError } from "../../../src/lifecycle/end-response.ts";
import { InvalidPromptError } from "../invalid-prompt.ts";
import { brokenStreamFault, ProviderFault, refusalFault, toldFault, unreachableFault } from "../provider/faults.ts";
import { asArray, asString, isObject } from "../provider/json.ts";
import { isFailedSample } from "../provider/refusal-kinds.ts";

export function classifyFault(error: unknown): ProviderFault {
  if (error instanceof ProviderFault) return error;
  if (APICallError.isInstance(error)) return callFault(error);
  if (isOfTheRequest(error)) {
    return new ProviderFault(responseError("invalid_prompt", error.message), { retryable: false });
  }
  return brokenStreamFault();
}

/** It was not sent: the SDK knows that this vendor has no such thing. */
function isOfTheRequest(error: unknown): error is Error {
  return (
    error instanceof InvalidPromptError ||
    UnsupportedFunctionalityError.isInstance(error) ||
    SdkInvalidPromptError.isInstance(error) ||
    InvalidArgumentError.isInstance(error)
  );
}

function callFault(error: APICallError): ProviderFault {
  const status = error.statusCode;
  if (status === undefined) return unreachableFault(error);
  if (status < 400) return brokenStreamFault();
  const body = errorOf(parse(error.responseBody));
  return refusalFault({
    status: isRefusedKey(body) ? 401 : status,
    headers: new Headers(error.responseHeaders),
    error: body,
    retryAfterMs: retryDelayOf(body),
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
export function isPassedOver(error: unknown): boolean {
  if (!TypeValidationError.isInstance(error)) return false;
  const { value } = error;
  if (!isObject(value)) return true;
  const says = value["error"] != null || asArray(value["candidates"]).length > 0 || isFailedSample(value);
  return !says && !NEEDED_EVENTS.has(value["type"]);
}

/** An error that came as a part of the stream: the SDK's own if the stream is broken, else the vendor's word. */
export function streamFault(error: unknown): ProviderFault {
  if (TypeValidationError.isInstance(error)) {
    const { value } = error;
    const isTold = isObject(value) && (value["error"] != null || isFailedSample(value));
    return isTold ? toldFault(errorOf(value)) : brokenStreamFault();
  }
  if (error instanceof Error || !isObject(error)) return classifyFault(error);
  const status = error["statusCode"] ?? error["code"];
  const told = isObject(error["data"]) ? errorOf(error["data"]) : error;
  if (typeof status === "number" && status >= 400) return refusalFault({ status, headers: undefined, error: told });
  return toldFault(told);
}

function parse(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? "");
  } catch {
    return undefined;
  }
}

/** Vendors wrap it in `error`, some in a list besides; some write it without a wrapping, some as a string. */
function errorOf(body: unknown): unknown {
  const first = Array.isArray(body) ? asArray(body)[0] : body;
  return isObject(first) ? (first["error"] ?? first) : first;
}

function detailsOf(error: unknown): readonly Record<string, unknown>[] {
  return isObject(error) ? asArray(error["details"]).filter(isObject) : [];
}

/** Google answers a wrong key with status 400. */
function isRefusedKey(error: unknown): boolean {
  return detailsOf(error).some((detail) => detail["reason"] === "API_KEY_INVALID");
}

/** Google tells the wait in the body: `{"@type": "…RetryInfo", "retryDelay": "34.07s"}`. */
function retryDelayOf(error: unknown): number | undefined {
  for (const detail of detailsOf(error)) {
    const seconds = /^(\d+(?:\.\d+)?)s$/.exec(asString(detail["retryDelay"]) ?? "")?.[1];
    if (seconds !== undefined) return Number(seconds) * 1_000;
  }
  return undefined;
}
