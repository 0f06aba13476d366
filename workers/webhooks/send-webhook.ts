/**
 * Sends one webhook: a POST to a URL that a client named, through the guarded fetch. It follows no redirect and uses nothing
 * of the answer but its status and `Retry-After`.
 */
import { GuardedFetchError, UnreachableError } from "../net/errors.ts";
import type { GuardedFetch } from "../net/guarded-fetch.ts";

const USER_AGENT = "background-responses/1.0 (webhooks of a Responses API server)";
/** A receiver may answer with a short text. Reading it lets the connection be used again. */
const MAX_READ_BYTES = 16 * 1024;
const READ_LIMIT_MS = 1_000;

export interface SendOptions {
  fetch: GuardedFetch["fetch"];
  timeoutMs: number;
  allowsHttp: boolean;
  /** Aborted when the process must stop. */
  signal: AbortSignal;
}

/** `error` is a sentence that the endpoint's owner may read. */
export type SendOutcome =
  | { kind: "answered"; statusCode: number; retryAfter: string | null }
  | { kind: "unanswered"; error: string };

/** Rejects only when `signal` is aborted, with its reason. */
export async function sendWebhook(
  url: string,
  headers: Record<string, string>,
  body: string,
  { fetch, timeoutMs, allowsHttp, signal }: SendOptions,
): Promise<SendOutcome> {
  if (!allowsHttp && !url.startsWith("https:")) {
    return { kind: "unanswered", error: "This server sends webhooks only to HTTPS URLs." };
  }
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": USER_AGENT, ...headers },
      body,
      redirect: "manual",
      signal: AbortSignal.any([signal, timeout]),
    });
    await discardBody(response);
    return { kind: "answered", statusCode: response.status, retryAfter: response.headers.get("retry-after") };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "unanswered", error: describe(error, timeout) };
  }
}

/** Reads a short body. Cancels a long or slow one, which closes the connection. Never rejects. */
async function discardBody({ body }: Response): Promise<void> {
  if (body === null) return;
  const reader = body.getReader();
  const limit = AbortSignal.timeout(READ_LIMIT_MS);
  const cancel = (): void => void reader.cancel().catch(() => {});
  limit.addEventListener("abort", cancel, { once: true });
  try {
    for (let length = 0; length <= MAX_READ_BYTES;) {
      const { done, value } = await reader.read();
      if (done) return;
      length += value.length;
    }
    cancel();
  } catch {
    // The status arrived, and is all that counts.
  } finally {
    limit.removeEventListener("abort", cancel);
  }
}

function describe(error: unknown, timeout: AbortSignal): string {
  if (timeout.aborted) return "The server did not answer in time.";
  if (error instanceof UnreachableError && error.reason !== undefined) {
    return `The server could not be reached: ${error.reason}.`;
  }
  return error instanceof GuardedFetchError ? error.message : "The webhook could not be sent.";
}
