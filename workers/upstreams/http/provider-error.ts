/** Provider errors: their causes, whether a retry may help, and the message for the client. */
import { responseError } from "../../../src/lifecycle/lifecycle-events.ts";
import { type ResponseError, type ResponseErrorCode, responseErrorCodeSchema } from "../../../src/protocol/response.ts";
import { readRetryAfterMs } from "../../../src/providers/retry-after.ts";
import { extractErrorText } from "./error-text.ts";
import { asString, isObject } from "./json.ts";
import { exceedsWholeRateLimit, describesUnreadableOutput } from "./error-kinds.ts";

interface RetryAdvice {
  retryable: boolean;
  /** The wait that the provider asked for. */
  retryAfterMs?: number | undefined;
  /** The provider works, but this account has used its share for now. */
  isRateLimit?: boolean;
  /** The provider cannot serve anyone now, but another one may. False if the request itself is invalid. */
  isUnavailable?: boolean;
  /** The model wrote output that its provider could not parse. The same call may succeed next time. */
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
  /** For the operator: the status, or the error of the system. It may contain secrets. */
  readonly detail: string | undefined;

  constructor(error: ResponseError, retry: RetryAdvice, detail?: string) {
    super(error.message);
    this.error = error;
    this.retryable = retry.retryable;
    this.retryAfterMs = retry.retryAfterMs;
    this.isRateLimit = retry.isRateLimit ?? false;
    this.isUnavailable = retry.isUnavailable ?? retry.retryable;
    this.isUnreadableOutput = retry.isUnreadableOutput ?? false;
    this.detail = detail;
  }

  /** The same error after output was yielded: neither a retry nor another provider is possible. */
  asFinal(): ProviderError {
    const advice = { retryable: false, isUnreadableOutput: this.isUnreadableOutput };
    return new ProviderError(this.error, advice, this.detail);
  }
}

export function createBrokenStreamError(): ProviderError {
  const message = "The provider's stream ended before the response was finished.";
  return new ProviderError(responseError("server_error", message), { retryable: true });
}

export function createTimeoutError(limit: { setting: string; ms: number }): ProviderError {
  const message = `The provider sent nothing for ${limit.ms} ms (${limit.setting}).`;
  return new ProviderError(responseError("server_error", message), { retryable: true });
}

/** Codes that do not mean that the request is invalid. */
const UNAVAILABLE_CODES: ReadonlySet<ResponseErrorCode> = new Set([
  "server_error",
  "rate_limit_exceeded",
  "insufficient_quota",
]);

/** Whether an error in a provider's stream is the provider's own, so that another provider may serve the call. */
export function isProviderFailure({ code, type }: ResponseError): boolean {
  // An unknown code counts as a server error, unless the type says otherwise.
  return UNAVAILABLE_CODES.has(code) && (code !== "server_error" || type !== "invalid_request_error");
}

/**
 * An error that the provider sent in its stream. A retry would fail in the same way, except after a rate limit: providers
 * that answer at once and queue internally report it in the stream instead of as a status.
 */
export function createReportedError(error: unknown): ProviderError {
  if (describesUnreadableOutput(error)) return createUnreadableOutputError(describeProviderError(error).message);
  return classifyReportedError(describeProviderError(error));
}

/** The request is valid, so the client gets a server error once the retries are used up. */
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

/** A stream has no headers. OpenAI and compatible servers put the wait into the message. */
function readRetryHintMs(message: string): number | undefined {
  const hint = /try again in (\d+(?:\.\d+)?) ?(ms|s)\b/i.exec(message);
  return hint === null ? undefined : Number(hint[1]) * (hint[2]!.toLowerCase() === "ms" ? 1 : 1_000);
}

/** Omits the address and the SDK's message: a client need not learn where a provider is hosted. */
export function createUnreachableError(error: Error): ProviderError {
  const code = systemErrorCode(error);
  const message = `The provider could not be reached${code === undefined ? "" : ` (${code})`}.`;
  return new ProviderError(responseError("server_error", message), { retryable: true }, describeCauses(error));
}

const MAX_DETAIL_CHARACTERS = 300;

function describeCauses(error: unknown): string {
  const messages: string[] = [];
  for (let current = error; current instanceof Error; current = current.cause) messages.push(current.message);
  return messages.join(": ").slice(0, MAX_DETAIL_CHARACTERS);
}

function systemErrorCode(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    const code = "code" in current ? asString(current.code) : undefined;
    if (code !== undefined) return code;
  }
  return undefined;
}

/** A provider's HTTP response that is an error. */
export interface HttpErrorAnswer {
  status: number;
  headers: Headers | undefined;
  /** The error object of its body, or the body if there is none. */
  error: unknown;
  /** The provider's requested wait, if it is not in the headers. */
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
    return new ProviderError(error, { retryable: false, isUnavailable: true }, `HTTP ${status}`);
  }
  const code = isObject(answer.error) ? answer.error["code"] : undefined;
  const isEmptyAccount = code === "insufficient_quota";
  const retryable = isRetryable(status, headers, isEmptyAccount);
  const advice = {
    retryable,
    retryAfterMs: answer.retryAfterMs ?? (headers && readRetryAfterMs(headers)),
    isRateLimit: status === 429 && !isEmptyAccount,
    isUnavailable: retryable || isEmptyAccount || status === 401 || status === 403 || status === 404 || status >= 500,
  };
  return new ProviderError(describeHttpError(answer, code), advice, `HTTP ${status}`);
}

/** Groq: the service tier has no capacity now (https://console.groq.com/docs/errors). */
const AT_CAPACITY_STATUS = 498;

/** The official SDK's rule, including `x-should-retry`. But waiting does not refill an empty account. */
function isRetryable(status: number, headers: Headers | undefined, isEmptyAccount: boolean): boolean {
  const advice = headers?.get("x-should-retry");
  if (advice === "true" || advice === "false") return advice === "true";
  if (isEmptyAccount) return false;
  return status === 408 || status === 409 || status === 429 || status === AT_CAPACITY_STATUS || status >= 500;
}

function isCredentialStatus(status: number): boolean {
  return status === 401 || status === 403;
}

/** Converts the provider's error response into the error of a failed response. */
function describeHttpError({ status, error }: HttpErrorAnswer, errorCode: unknown): ResponseError {
  const described = describeProviderError(error, `The provider answered with status ${status}.`);
  // Never the provider's own message: such messages quote the key.
  if (isCredentialStatus(status)) {
    return responseError("server_error", "The provider rejected this server's credentials.");
  }
  if (status === 429) {
    const code = errorCode === "insufficient_quota" ? "insufficient_quota" : "rate_limit_exceeded";
    return responseError(code, described.message);
  }
  if (status === 404 || status === 408 || status === 409 || status === AT_CAPACITY_STATUS || status >= 500) {
    return responseError("server_error", described.message);
  }
  const code = responseErrorCodeSchema.safeParse(errorCode).data ?? "invalid_prompt";
  return responseError(code, described.message, described.param);
}

/** Converts an error object of a provider, which may be partial. Some servers send their HTTP status as the code. */
export function describeProviderError(
  error: unknown,
  defaultMessage = "The provider failed without giving a reason.",
): ResponseError {
  const fields = isObject(error) ? error : { message: error };
  const message = extractErrorText(error) ?? defaultMessage;
  // Clients know only the published codes (contract.md#failures).
  const code = responseErrorCodeSchema.safeParse(fields["code"]).data ?? "server_error";
  const described = responseError(code, message, asString(fields["param"]) ?? null);
  // The `type` of a flat error event is the event's name.
  const type = asString(fields["type"]);
  return type === undefined || type === "error" ? described : { ...described, type };
}
