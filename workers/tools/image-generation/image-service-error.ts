/** What a service refused, as client and model are told it. */
import { redactError, createRedactor } from "../../../src/logging/redaction.ts";
import { ImageError } from "./image-model.ts";

const HTTP_BAD_REQUEST = 400;
const HTTP_UNPROCESSABLE = 422;
const HTTP_TOO_MANY = 429;

/** JSON.parse quotes a piece of the text, which may be a piece of a secret, and is not found as one. */
const QUOTED_JSON = /Unexpected [^]*?( is not valid JSON)/g;

export interface ServiceErrorAnswer {
  status: number | undefined;
  code: string | null | undefined;
  message: string;
}

/**
 * What the request did wrong is told as the service tells it; what this server or the service did, in general. The cause is
 * for the log, and has none of the secrets either: services repeat a key that they refuse.
 */
export function toImageError(
  answer: ServiceErrorAnswer | undefined,
  secrets: readonly string[],
  error: unknown,
): ImageError {
  // Of a header like `Bearer <key>`, the key alone may be repeated.
  const parts = secrets.flatMap((secret) => [secret, ...secret.split(/\s+/)]);
  const conceal = createRedactor(parts, { mark: "[redacted]" });
  const redact = (text: string): string => conceal(text.replace(QUOTED_JSON, "[redacted]$1"));
  const cause = redactError(error, redact);
  if (answer?.status === HTTP_BAD_REQUEST || answer?.status === HTTP_UNPROCESSABLE) {
    return new ImageError(redact(answer.code ?? "invalid_request_error"), redact(answer.message), { cause });
  }
  if (answer?.status === HTTP_TOO_MANY) {
    return new ImageError("rate_limit_exceeded", "The image service's rate limit is reached.", { cause });
  }
  return new ImageError("server_error", "The image service is not available at the moment.", { cause });
}

/** Undefined if the signal was not aborted by the limit. */
export function toTimeoutError(limit: AbortSignal, timeoutMs: number): ImageError | undefined {
  if (!limit.aborted) return undefined;
  return new ImageError("timeout", `The image service did not answer within ${timeoutMs} ms.`);
}
