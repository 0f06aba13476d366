/** What can go wrong with a provider, whether another try may help, and what the client is told. */
import { responseError } from "../../../src/lifecycle/lifecycle-events.ts";
import { type ResponseError, type ResponseErrorCode, responseErrorCodeSchema } from "../../../src/protocol/response.ts";
import { extractErrorText } from "./error-text.ts";
import { asString, isObject } from "./json.ts";
import { exceedsWholeRateLimit, describesUnreadableOutput } from "./error-kinds.ts";

interface RetryAdvice {
  retryable: boolean;
  /** What the provider asked for. */
  retryAfterMs?: number | undefined;
  /** The provider is well, but this account has had its share for now. */
  isRateLimit?: boolean;
  /** The provider cannot serve this now, whoever asks: another one may. Not so if the request is what is wrong. */
  isUnavailable?: boolean;
  /** The model wrote what its provider could not read: the same call may be served the next time. */
  isUnreadableOutput?: boolean;
}

export class ProviderError extends Error {
  override readonly name = "ProviderError";
  readonly error: ResponseError;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly isRateLimit: boolean;
  readonly isUnavailable: boolean;
  readonly isUnreadableOutput: boolean;

  constructor(error: ResponseError, retry: RetryAdvice) {
    super(error.message);
    this.error = error;
    this.retryable = retry.retryable;
    this.retryAfterMs = retry.retryAfterMs;
    this.isRateLimit = retry.isRateLimit ?? false;
    this.isUnavailable = retry.isUnavailable ?? retry.retryable;
    this.isUnreadableOutput = retry.isUnreadableOutput ?? false;
  }

  /** The same after output was yielded: too late for another try, and for another provider. */
  asFinal(): ProviderError {
    return new ProviderError(this.error, { retryable: false, isUnreadableOutput: this.isUnreadableOutput });
  }
}

export function createBrokenStreamError(): ProviderError {
  const message = "The provider's stream broke off before the response was finished.";
  return new ProviderError(responseError("server_error", message), { retryable: true });
}

export function createTimeoutError(limit: { setting: string; ms: number }): ProviderError {
  const message = `The provider sent nothing for ${limit.ms} ms (${limit.setting}).`;
  return new ProviderError(responseError("server_error", message), { retryable: true });
}

/** Codes that say nothing against the request. */
const UNAVAILABLE_CODES: ReadonlySet<ResponseErrorCode> = new Set([
  "server_error",
  "rate_limit_exceeded",
  "insufficient_quota",
]);

/** Whether a failure that a provider told in its stream is its own, so that another one may serve the call. */
export function isProviderFailure({ code, type }: ResponseError): boolean {
  // A failure whose code is not known counts as the server's, unless its type says otherwise.
  return UNAVAILABLE_CODES.has(code) && (code !== "server_error" || type !== "invalid_request_error");
}

/**
 * A failure that the provider told in its stream: its last word, after which another try would be the same. Only a rate
 * limit passes: providers that answer at once and queue by themselves tell it there, and not by a status.
 */
export function createReportedError(error: unknown): ProviderError {
  if (describesUnreadableOutput(error)) return createUnreadableOutputError(describeProviderError(error).message);
  return classifyReportedError(describeProviderError(error));
}

/** It says nothing against the request, so it is the server's error once the tries are used up. */
export function createUnreadableOutputError(message: string): ProviderError {
  return new ProviderError(responseError("server_error", message), { retryable: true, isUnreadableOutput: true });
}

export function classifyReportedError(error: ResponseError): ProviderError {
  if (describesUnreadableOutput(error)) return createUnreadableOutputError(error.message);
  const isRateLimit = error.code === "rate_limit_exceeded" && !exceedsWholeRateLimit(error.message);
  const retryAfterMs = isRateLimit ? readRetryHintMs(error.message) : undefined;
  return new ProviderError(error, {
    retryable: isRateLimit,
    isRateLimit,
    retryAfterMs,
    isUnavailable: isProviderFailure(error),
  });
}

/** A stream has no headers: OpenAI's message says when to come back, and its copies say the same. */
function readRetryHintMs(message: string): number | undefined {
  const hint = /try again in (\d+(?:\.\d+)?) ?(ms|s)\b/i.exec(message);
  return hint === null ? undefined : Number(hint[1]) * (hint[2]!.toLowerCase() === "ms" ? 1 : 1_000);
}

/** Neither the address nor the SDK's text: a client need not learn where a provider lives. */
export function createUnreachableError(error: Error): ProviderError {
  const code = systemErrorCode(error);
  const message = `The provider could not be reached${code === undefined ? "" : ` (${code})`}.`;
  return new ProviderError(responseError("server_error", message), { retryable: true });
}

function systemErrorCode(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    const code = "code" in current ? asString(current.code) : undefined;
    if (code !== undefined) return code;
  }
  return undefined;
}

/** A provider's answer that is not what was asked for. */
export interface HttpErrorAnswer {
  status: number;
  headers: Headers | undefined;
  /** The error object of its body, or whatever stands in its place. */
  error: unknown;
  /** If it is told elsewhere than in the headers. */
  retryAfterMs?: number | undefined;
}

export function createHttpError(answer: HttpErrorAnswer): ProviderError {
  const { status, headers } = answer;
  if (status >= 400 && !isCredentialStatus(status) && describesUnreadableOutput(answer.error)) {
    return createUnreadableOutputError(describeProviderError(answer.error).message);
  }
  const { message } = describeProviderError(answer.error);
  if ((status === 429 || status === 413) && exceedsWholeRateLimit(message)) {
    // Another provider may have another limit.
    const error = responseError("rate_limit_exceeded", message);
    return new ProviderError(error, { retryable: false, isUnavailable: true });
  }
  const code = isObject(answer.error) ? answer.error["code"] : undefined;
  const isEmptyAccount = code === "insufficient_quota";
  const retryable = isRetryable(status, headers, isEmptyAccount);
  return new ProviderError(describeHttpError(answer, code), {
    retryable,
    retryAfterMs: answer.retryAfterMs ?? (headers && readRetryAfterMs(headers)),
    isRateLimit: status === 429 && !isEmptyAccount,
    isUnavailable: retryable || isEmptyAccount || status === 401 || status === 403 || status === 404 || status >= 500,
  });
}

/** Groq's own, for a service tier that cannot serve this now (https://console.groq.com/docs/errors). */
const AT_CAPACITY_STATUS = 498;

/** The official SDK's rule, `x-should-retry` included; but an empty account does not fill while we wait. */
function isRetryable(status: number, headers: Headers | undefined, isEmptyAccount: boolean): boolean {
  const advice = headers?.get("x-should-retry");
  if (advice === "true" || advice === "false") return advice === "true";
  if (isEmptyAccount) return false;
  return status === 408 || status === 409 || status === 429 || status === AT_CAPACITY_STATUS || status >= 500;
}

function isCredentialStatus(status: number): boolean {
  return status === 401 || status === 403;
}

/** The provider's refusal of our request, in the terms of a response that failed. */
function describeHttpError({ status, error }: HttpErrorAnswer, errorCode: unknown): ResponseError {
  const told = describeProviderError(error, `The provider answered with status ${status}.`);
  // No word of the provider's here: such messages quote the key.
  if (isCredentialStatus(status)) {
    return responseError("server_error", "The provider refused this server's credentials.");
  }
  if (status === 429) {
    const code = errorCode === "insufficient_quota" ? "insufficient_quota" : "rate_limit_exceeded";
    return responseError(code, told.message);
  }
  if (status === 404 || status === 408 || status === 409 || status === AT_CAPACITY_STATUS || status >= 500) {
    return responseError("server_error", told.message);
  }
  const code = responseErrorCodeSchema.safeParse(errorCode).data ?? "invalid_prompt";
  return responseError(code, told.message, told.param);
}

/** An error object as providers send it, in whole or in part. Some servers send their HTTP status as the code. */
export function describeProviderError(
  error: unknown,
  silence = "The provider failed and gave no reason.",
): ResponseError {
  const fields = isObject(error) ? error : { message: error };
  const message = extractErrorText(error) ?? silence;
  // A vendor's own codes would not be understood by clients (contract.md#failures).
  const code = responseErrorCodeSchema.safeParse(fields["code"]).data ?? "server_error";
  const described = responseError(code, message, asString(fields["param"]) ?? null);
  // A flat frame's `type` is the event's own name.
  const type = asString(fields["type"]);
  return type === undefined || type === "error" ? described : { ...described, type };
}

/**
 * In milliseconds; undefined if there is no usable header. Forms: `retry-after-ms`, seconds, and an HTTP date, which is of
 * the provider's clock: where the answer says what time it is there, that is what it is compared with.
 */
export function readRetryAfterMs(headers: Headers): number | undefined {
  const ms = Number.parseFloat(headers.get("retry-after-ms") ?? "");
  if (Number.isFinite(ms)) return Math.max(0, ms);
  const header = headers.get("retry-after") ?? "";
  const seconds = Number(header);
  const waitMs =
    header.trim() !== "" && Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - providerTimeMs(headers);
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}

function providerTimeMs(headers: Headers): number {
  const dateMs = Date.parse(headers.get("date") ?? "");
  return Number.isFinite(dateMs) ? dateMs : Date.now();
}
