/**
 * The only way this server fetches a URL that a request or a model named. The policy checks every URL, redirects
 * included, and each connection goes to a checked address.
 *
 * `read` returns a whole body, bounded in size and time. `fetch` has the standard signature and streams, for libraries
 * that accept a fetch function.
 */
import { MIMEType } from "node:util";
import type { CookieJar } from "tough-cookie";
import { Agent, fetch as undiciFetch, type Response as UndiciResponse } from "undici";
import {
  BlockedUrlError,
  FetchTimeoutError,
  GuardedFetchError,
  RejectedRedirectError,
  TooLargeError,
  TooManyRedirectsError,
  UnreachableError,
} from "./errors.ts";
import type { FetchPolicy } from "./fetch-policy.ts";
import { type Hop, storeCookies, createNextHop, readLocation, addCookies } from "./redirect-hops.ts";
import { createGuardedConnector, resolveBySystem, type Resolve } from "./guarded-connector.ts";
import { PausableTimeout } from "./pausable-timeout.ts";

export interface GuardedFetchOptions {
  policy: FetchPolicy;
  resolve?: Resolve;
  connectTimeoutMs?: number;
  /** Timeout until the response starts, and for silence within it. */
  idleTimeoutMs?: number;
  maxRedirects?: number;
}

export interface GuardedReadOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
  signal: AbortSignal;
  /** Maximum size of the decompressed body. */
  maxBytes: number;
  /** Timeout for the whole read, excluding `checkRedirect`. */
  timeoutMs: number;
  /** Maximum redirects; defaults to the limit of the GuardedFetch. */
  maxRedirects?: number;
  /** Stores cookies that servers set, and sends them to their hosts on later redirects. */
  cookies?: CookieJar;
  /** Truncates a longer body instead of rejecting it. */
  truncates?: boolean;
  /** Returns the reason to reject a redirect to this URL, or undefined to follow it. The policy is checked anyway. */
  checkRedirect?: CheckRedirect;
}

type CheckRedirect = (url: string) => Promise<string | undefined>;

export interface FetchedContent {
  /** The final URL, after redirects. */
  url: string;
  status: number;
  headers: Headers;
  /** Lower case, without parameters; undefined if the header is absent or invalid. */
  contentType: string | undefined;
  charset: string | undefined;
  body: Uint8Array;
  /** Number of redirects followed. */
  redirects: number;
}

interface FollowOptions {
  redirect: RequestRedirect;
  signal: AbortSignal;
  maxRedirects: number;
  cookies?: CookieJar | undefined;
  checkRedirect?: CheckRedirect;
}

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 30_000;
const MAX_REDIRECTS = 5;
const TIMEOUT_CODES: ReadonlySet<unknown> = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

export class GuardedFetch implements AsyncDisposable {
  readonly #policy: FetchPolicy;
  readonly #agent: Agent;
  readonly #maxRedirects: number;

  constructor(options: GuardedFetchOptions) {
    const { policy, resolve = resolveBySystem, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
    const idleTimeoutMs = options.idleTimeoutMs ?? IDLE_TIMEOUT_MS;
    this.#policy = policy;
    this.#maxRedirects = options.maxRedirects ?? MAX_REDIRECTS;
    this.#agent = new Agent({
      connect: createGuardedConnector(policy, resolve, connectTimeoutMs),
      headersTimeout: idleTimeoutMs,
      bodyTimeout: idleTimeoutMs,
    });
  }

  /**
   * A guarded `fetch`. Its signal and the idle timeout bound it in time; the reader of the stream must bound its size.
   * Rejects with a GuardedFetchError or the signal's reason. The request body is buffered in memory.
   */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const source = typeof input === "string" ? input : input instanceof URL ? input.href : input.url;
    const url = this.#policy.checkUrl(source);
    // Request normalizes every kind of body and header.
    const request = new Request(input instanceof Request ? input : url, init);
    const body = request.body === null ? undefined : new Uint8Array(await request.arrayBuffer());
    const hop = { url, method: request.method, headers: new Headers(request.headers), body };
    const { redirect, signal } = request;
    const { response } = await this.#follow(hop, { redirect, signal, maxRedirects: this.#maxRedirects });
    // undici and Node's bundled undici declare separate but equal Response classes.
    return response as unknown as Response;
  };

  /** Rejects with a GuardedFetchError or the signal's reason. Every HTTP status is a result, not an error. */
  async read(source: string, options: GuardedReadOptions): Promise<FetchedContent> {
    const { signal, maxBytes, timeoutMs, method = "GET", body } = options;
    signal.throwIfAborted();
    using limit = new PausableTimeout(timeoutMs);
    const bounded = AbortSignal.any([signal, limit.signal]);
    const { checkRedirect } = options;
    const url = this.#policy.checkUrl(source);
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    try {
      const hop = { url, method, headers: new Headers(options.headers), body: bytes };
      const { response, redirects } = await this.#follow(hop, {
        redirect: "follow",
        signal: bounded,
        maxRedirects: options.maxRedirects ?? this.#maxRedirects,
        cookies: options.cookies,
        checkRedirect: async (target) =>
          checkRedirect === undefined ? undefined : await limit.pauseWhile(() => checkRedirect(target)),
      });
      const content = await readBody(response, maxBytes, options.truncates === true);
      const headers = new Headers([...response.headers]);
      return { url: response.url, status: response.status, headers, redirects, ...content };
    } catch (error) {
      signal.throwIfAborted();
      if (limit.signal.aborted) throw new FetchTimeoutError({ cause: error });
      throw classifyFetchError(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #follow(first: Hop, options: FollowOptions): Promise<{ response: UndiciResponse; redirects: number }> {
    const { redirect, signal, maxRedirects, cookies, checkRedirect } = options;
    let hop = first;
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const response = await this.#send(addCookies(hop, cookies), signal);
      storeCookies(response, hop.url, cookies);
      const location = readLocation(response);
      if (location === null || redirect === "manual") return { response, redirects };
      await response.body?.cancel();
      if (redirect === "error") throw new UnreachableError();
      hop = createNextHop(hop, response.status, this.#policy.checkUrl(location, hop.url.href));
      const rejection = await checkRedirect?.(hop.url.href);
      if (rejection !== undefined) throw new RejectedRedirectError(rejection);
    }
    throw new TooManyRedirectsError(this.#maxRedirects);
  }

  async #send({ url, method, headers, body }: Hop, signal: AbortSignal): Promise<UndiciResponse> {
    try {
      return await undiciFetch(url, {
        method,
        headers: [...headers],
        ...(body === undefined ? {} : { body }),
        redirect: "manual",
        signal,
        dispatcher: this.#agent,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw classifyFetchError(error);
    }
  }
}

async function readBody(
  response: UndiciResponse,
  maxBytes: number,
  truncates: boolean,
): Promise<Pick<FetchedContent, "body" | "contentType" | "charset">> {
  const isPlain = response.headers.get("content-encoding") === null;
  if (!truncates && isPlain && Number(response.headers.get("content-length")) > maxBytes) {
    await response.body?.cancel();
    throw new TooLargeError(maxBytes);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    const bytes: Uint8Array = chunk;
    length += bytes.length;
    // Leaving the loop cancels the body, the decompression and the connection.
    if (length > maxBytes && !truncates) throw new TooLargeError(maxBytes);
    chunks.push(bytes);
    if (length > maxBytes) break;
  }
  const body = new Uint8Array(Buffer.concat(chunks)).subarray(0, maxBytes);
  return { body, ...readContentType(response.headers.get("content-type")) };
}

function readContentType(header: string | null): Pick<FetchedContent, "contentType" | "charset"> {
  try {
    const type = new MIMEType(header ?? "");
    return { contentType: type.essence, charset: type.params.get("charset")?.toLowerCase() };
  } catch {
    return { contentType: undefined, charset: undefined };
  }
}

/** undici nests the original error in one or two causes; this also finds the connector's BlockedUrlError. */
function classifyFetchError(error: unknown): Error {
  let code: string | undefined;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof GuardedFetchError) return cause;
    if (TIMEOUT_CODES.has((cause as NodeJS.ErrnoException).code)) return new FetchTimeoutError({ cause: error });
    code = (cause as NodeJS.ErrnoException).code ?? code;
    // After several addresses, each has its own error: the first one names the reason.
    if (cause instanceof AggregateError) code = (cause.errors[0] as NodeJS.ErrnoException | undefined)?.code ?? code;
    if (cause.message === "bad port") return new BlockedUrlError("port");
  }
  return new UnreachableError({ cause: error, code });
}
