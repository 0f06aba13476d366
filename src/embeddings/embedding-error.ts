/** Why embeddings failed, and whether another try may help. */
import { responseError } from "../lifecycle/lifecycle-events.ts";
import type { ResponseError } from "../protocol/response.ts";
import { readRetryAfterMs } from "../providers/retry-after.ts";

const MAX_MESSAGE_CHARACTERS = 1_000;

interface RetryAdvice {
  retryable: boolean;
  /** The wait that the provider asked for. */
  retryAfterMs?: number | undefined;
  /** The provider does not have the model. */
  isModelUnknown?: boolean;
}

export class EmbeddingError extends Error {
  override readonly name = "EmbeddingError";
  /** For the client. */
  readonly error: ResponseError;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly isModelUnknown: boolean;

  constructor(error: ResponseError, { retryable, retryAfterMs, isModelUnknown = false }: RetryAdvice) {
    super(error.message);
    this.error = error;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
    this.isModelUnknown = isModelUnknown;
  }

  get isRateLimit(): boolean {
    return this.error.code === "rate_limit_exceeded";
  }

  redacted(redact: (text: string) => string): EmbeddingError {
    const { retryable, retryAfterMs, isModelUnknown } = this;
    const error = { ...this.error, message: redact(this.error.message) };
    return new EmbeddingError(error, { retryable, retryAfterMs, isModelUnknown });
  }
}

export function malformedEmbeddings(reason: string): EmbeddingError {
  const message = `The provider's embeddings are malformed: ${reason}.`;
  return new EmbeddingError(responseError("server_error", message), { retryable: false });
}

export function embeddingsUnsupported(message: string, param: string): EmbeddingError {
  return new EmbeddingError(responseError("invalid_prompt", message, param), { retryable: false });
}

export function embeddingTimeout(ms: number): EmbeddingError {
  const message = `The provider sent no embeddings for ${ms} ms (UPSTREAM_TIMEOUT_MS).`;
  return new EmbeddingError(responseError("server_error", message), { retryable: true });
}

export function providerUnreachable(): EmbeddingError {
  return new EmbeddingError(responseError("server_error", "The provider could not be reached."), { retryable: true });
}

/** An answer of a provider that is an error. */
export interface ProviderRefusal {
  status: number;
  headers: Headers | undefined;
  message: string;
  code?: string | null | undefined;
  param?: string | null | undefined;
}

export function embeddingRefusal({ status, headers, message, code, param }: ProviderRefusal): EmbeddingError {
  const text = message.slice(0, MAX_MESSAGE_CHARACTERS);
  if (status === 401 || status === 403) {
    // Never the provider's own message: such messages quote the key.
    const rejected = responseError("server_error", "The provider rejected this server's credentials.");
    return new EmbeddingError(rejected, { retryable: false });
  }
  if (code === "insufficient_quota") {
    return new EmbeddingError(responseError("insufficient_quota", text), { retryable: false });
  }
  const retryAfterMs = headers && readRetryAfterMs(headers);
  if (status === 429) {
    return new EmbeddingError(responseError("rate_limit_exceeded", text), { retryable: true, retryAfterMs });
  }
  if (status === 408 || status === 409 || status >= 500) {
    return new EmbeddingError(responseError("server_error", text), { retryable: true, retryAfterMs });
  }
  const isModelUnknown = status === 404;
  return new EmbeddingError(responseError("invalid_prompt", text, param ?? null), { retryable: false, isModelUnknown });
}
