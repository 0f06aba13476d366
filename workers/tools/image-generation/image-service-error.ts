/** Converts a service's error for the client and the model. */
import { redactError, createRedactor } from "../../../src/logging/redaction.ts";
import { ImageError } from "./image-model.ts";

const HTTP_BAD_REQUEST = 400;
const HTTP_UNPROCESSABLE = 422;
const HTTP_TOO_MANY = 429;

/** JSON.parse quotes a piece of the text. It may be a piece of a secret, which redaction would not find. */
const QUOTED_JSON = /Unexpected [^]*?( is not valid JSON)/g;

export interface ServiceErrorAnswer {
  status: number | undefined;
  code: string | null | undefined;
  message: string;
}

/**
 * For an invalid request, the service's message passes. Errors of this server or the service get a general message. The
 * cause is for the log, without secrets: services repeat a key that they reject.
 */
export function toImageError(
  answer: ServiceErrorAnswer | undefined,
  secrets: readonly string[],
  error: unknown,
): ImageError {
  // A service may repeat only the key of a header such as `Bearer <key>`.
  const parts = secrets.flatMap((secret) => [secret, ...secret.split(/\s+/)]);
  const conceal = createRedactor(parts, { mark: "[redacted]" });
  const redact = (text: string): string => conceal(text.replace(QUOTED_JSON, "[redacted]$1"));
  const cause = redactError(error, redact);
  if (answer?.status === HTTP_BAD_REQUEST || answer?.status === HTTP_UNPROCESSABLE) {
    return new ImageError(redact(answer.code ?? "invalid_request_error"), redact(answer.message), { cause });
  }
  if (answer?.status === HTTP_TOO_MANY) {
    return new ImageError("rate_limit_exceeded", "The image service's rate limit was reached.", { cause });
  }
  return new ImageError("server_error", "The image service is currently unavailable.", { cause });
}

/** Undefined if the timeout did not abort the signal. */
export function toTimeoutError(limit: AbortSignal, timeoutMs: number): ImageError | undefined {
  if (!limit.aborted) return undefined;
  return new ImageError("timeout", `The image service did not answer within ${timeoutMs} ms.`);
}
