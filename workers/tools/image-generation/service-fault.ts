/** What a service refused, as client and model are told it. */
import { ImageFault } from "./image-model.ts";

const HTTP_BAD_REQUEST = 400;
const HTTP_UNPROCESSABLE = 422;
const HTTP_TOO_MANY = 429;
/** A shorter header value is a setting, not a secret, and would blank out ordinary words. */
const SECRET_MIN_LENGTH = 8;

export interface ServiceAnswer {
  status: number | undefined;
  code: string | null | undefined;
  message: string;
}

/** What the request did wrong is told as the service tells it; what this server or the service did, in general. */
export function serviceFault(
  answer: ServiceAnswer | undefined,
  secrets: readonly string[],
  cause: unknown,
): ImageFault {
  if (answer?.status === HTTP_BAD_REQUEST || answer?.status === HTTP_UNPROCESSABLE) {
    const long = secrets.filter((secret) => secret.length >= SECRET_MIN_LENGTH);
    const message = long.reduce((text, secret) => text.replaceAll(secret, "[redacted]"), answer.message);
    return new ImageFault(answer.code ?? "invalid_request_error", message, { cause });
  }
  if (answer?.status === HTTP_TOO_MANY) {
    return new ImageFault("rate_limit_exceeded", "The image service's rate limit is reached.", { cause });
  }
  return new ImageFault("server_error", "The image service is not available at the moment.", { cause });
}

/** Undefined if the signal was not aborted by the limit. */
export function timeoutFault(limit: AbortSignal, timeoutMs: number, cause: unknown): ImageFault | undefined {
  if (!limit.aborted) return undefined;
  return new ImageFault("timeout", `The image service did not answer within ${timeoutMs} ms.`, { cause });
}
