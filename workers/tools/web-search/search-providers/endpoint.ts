/** Sends one request to a search engine, with limits on time and size, and retries transient errors. */
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { withTraceContext } from "../../../../src/telemetry/trace-context.ts";
import { SearchFailedError } from "./search-provider.ts";

export interface EndpointRequest<T> {
  url: URL;
  headers?: Record<string, string>;
  /** Sent as JSON by POST. Without it, the request is a GET. */
  body?: unknown;
  schema: z.ZodType<T>;
  /** Timeout of all attempts together. */
  timeoutMs: number;
  signal: AbortSignal;
}

const MAX_ATTEMPTS = 3;
const FIRST_RETRY_DELAY_MS = 250;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** An error that a retry may resolve. */
class TransientSearchError extends Error {
  override readonly name = "TransientSearchError";
  readonly error: SearchFailedError;
  readonly retryDelayMs: number | undefined;
  constructor(error: SearchFailedError, retryDelayMs?: number) {
    super(error.message);
    this.error = error;
    this.retryDelayMs = retryDelayMs;
  }
}

/**
 * Rejects with a SearchFailedError, or with the signal's reason. The address is the operator's, so it is not guarded.
 */
export async function callEndpoint<T>(request: EndpointRequest<T>): Promise<T> {
  const { signal, timeoutMs } = request;
  const limit = AbortSignal.timeout(timeoutMs);
  const bounded = AbortSignal.any([signal, limit]);
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await callOnce(request, bounded);
      } catch (error) {
        if (!(error instanceof TransientSearchError)) throw error;
        const delayMs = error.retryDelayMs ?? FIRST_RETRY_DELAY_MS * 2 ** (attempt - 1);
        if (attempt === MAX_ATTEMPTS || delayMs >= timeoutMs) throw error.error;
        await delay(delayMs, undefined, { signal: bounded });
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SearchFailedError) throw error;
    if (limit.aborted) throw new SearchFailedError("The search engine did not answer in time.", { cause: error });
    throw new SearchFailedError("The search engine's answer could not be read.", { cause: error });
  }
}

async function callOnce<T>({ url, headers, body, schema }: EndpointRequest<T>, signal: AbortSignal): Promise<T> {
  const response = await send(url, headers, body, signal);
  if (!response.ok) {
    await response.body?.cancel();
    throw toResponseError(response);
  }
  return schema.parse(JSON.parse(await readText(response)));
}

const sendTraced = withTraceContext<URL>(fetch);

async function send(
  url: URL,
  headers: Record<string, string> | undefined,
  body: unknown,
  signal: AbortSignal,
): Promise<Response> {
  const content = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const type = body === undefined ? {} : { "content-type": "application/json" };
  try {
    return await sendTraced(url, {
      ...content,
      headers: { accept: "application/json", ...type, ...headers },
      // A redirect could leak the operator's key.
      redirect: "error",
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new TransientSearchError(new SearchFailedError("The search engine could not be reached.", { cause: error }));
  }
}

function toResponseError({ status, headers }: Response): Error {
  const cause = new Error(`The search engine answered with status ${status}.`);
  if (!TRANSIENT_STATUSES.has(status)) {
    return new SearchFailedError(`The search engine rejected the request with status ${status}.`, { cause, status });
  }
  const sentence = status === 429 ? "received too many requests" : `answered with status ${status}`;
  const error = new SearchFailedError(`The search engine ${sentence}.`, { cause });
  const seconds = Number(headers.get("retry-after") ?? NaN);
  return new TransientSearchError(error, Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined);
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new SearchFailedError("The search engine's answer is too long.");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Drops unreadable results. Fails only if none is readable. */
export function readableResultsSchema<T>(result: z.ZodType<T>) {
  return z.array(z.unknown()).transform((all, context) => {
    const readable = all.flatMap((each) => result.safeParse(each).data ?? []);
    if (all.length > 0 && readable.length === 0) context.addIssue("No result is readable.");
    return readable;
  });
}

/** Appends a path to an operator's base URL, with or without a trailing slash. */
export function resolveUrl(baseUrl: string, path: string): URL {
  return new URL(path, baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`);
}
