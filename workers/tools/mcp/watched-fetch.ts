/**
 * The `fetch` for the SDK's transports. It limits the size of answers, and reports at once what the SDK would notice
 * only at a timeout:
 *
 *   - a rejected message throws the server's status, without its body;
 *   - a request whose stream ends without an answer, and cannot resume, is answered with an error at once;
 *   - a message that the SDK would drop for one of its fields is corrected (normalize-message.ts);
 *   - no stream is opened for unsolicited messages: this client does not use them.
 */
import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  DEFAULT_NEGOTIATED_PROTOCOL_VERSION,
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from "@modelcontextprotocol/sdk/types.js";
import { AnswerTooLongError, HttpStatusError } from "./errors.ts";
import { isRecord } from "./is-record.ts";
import { isEventStream, normalizeJson, normalizeEventStream } from "./normalize-body.ts";

export interface WatchedFetchOptions {
  fetch: FetchLike;
  /** Maximum bytes of one answer. */
  maxBytes: number;
  /** The stream that answers this request has ended. The answer may have arrived. */
  onStreamEnd: (requestId: number, error?: unknown) => void;
  /** A stream could not be resumed. */
  onResumeFailed: () => void;
}

const ERROR_BODY_CHARACTERS = 4_096;
const HTTP_OK = 200;
const HTTP_ACCEPTED = 202;
const HTTP_BAD_REQUEST = 400;
const HTTP_NOT_FOUND = 404;

export class WatchedFetch {
  readonly #options: WatchedFetchOptions;
  /** Messages in flight that have no answer. */
  readonly #notifications = new Set<Promise<unknown>>();

  constructor(options: WatchedFetchOptions) {
    this.#options = options;
  }

  /** Resolves when the server has received every notification, such as a cancellation. */
  async waitForNotifications(): Promise<void> {
    await Promise.allSettled(this.#notifications);
  }

  readonly fetch: FetchLike = async (url, init) => {
    const headers = new Headers(init?.headers);
    if (init?.method === "GET" && !headers.has("last-event-id")) return new Response(null, { status: 405 });
    const { response, id } = await this.#exchange(url, init, headers);
    if (id === undefined && init?.method !== "GET") return response;
    const answer = withOkStatus(response);
    if (answer.body === null) return answer;
    if (!isEventStream(answer.headers)) return await normalizeJson(answer, id);
    return new Response(answer.body.pipeThrough(normalizeEventStream(id)), answer);
  };

  /** The fetch of the older transport, whose one stream carries all answers. */
  readonly fetchWithStream: FetchLike = async (url, init) => {
    // The direct answer to a message has no reader.
    if (init?.method === "POST") return (await this.#exchange(url, init, new Headers(init.headers))).response;
    const response = await this.#options.fetch(url, init);
    if (response.body === null) return response;
    const watched = this.#watch(response, undefined);
    return new Response(watched.body?.pipeThrough(normalizeEventStream(undefined)) ?? null, watched);
  };

  /** Returns the answer, and the id of a message that expects one. */
  async #exchange(url: string | URL, init: RequestInit | undefined, headers: Headers) {
    const id = readMessage(init?.body)?.id;
    const sent = this.#send(url, init, headers.has("mcp-session-id"));
    if (id === undefined) {
      this.#notifications.add(sent);
      void sent.catch(() => {}).finally(() => this.#notifications.delete(sent));
    }
    const response = await sent;
    return { id, response: response.body === null ? response : this.#watch(response, id) };
  }

  async #send(url: string | URL, init: RequestInit | undefined, hasSession: boolean): Promise<Response> {
    const isPost = init?.method === "POST";
    try {
      const response = await this.#options.fetch(url, init);
      if (response.status >= 400 && !isPost) this.#options.onResumeFailed();
      if (response.status < 400 || !isPost) return response;
      const body = await readStart(response);
      const older = response.status === HTTP_BAD_REQUEST ? downgradeInitialize(init.body, body) : undefined;
      if (older !== undefined) return await this.#send(url, { ...init, body: older }, hasSession);
      throw new HttpStatusError(response.status, hasSession && isSessionLost(response.status, body));
    } catch (error) {
      if (!isPost) this.#options.onResumeFailed();
      throw error;
    }
  }

  #watch(response: Response, requestId: number | undefined): Response {
    const { maxBytes, onStreamEnd } = this.#options;
    const isStream = isEventStream(response.headers);
    const reader = response.body!.getReader();
    const decoder = new TextDecoder();
    let bytes = 0;
    let last = "\n";
    let canResume = false;
    const end = (error?: unknown): void => {
      const isLost = !canResume || error instanceof AnswerTooLongError;
      if (isStream && isLost && requestId !== undefined) onStreamEnd(requestId, error);
    };
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            end();
            return controller.close();
          }
          bytes += value.length;
          if (bytes > maxBytes) throw new AnswerTooLongError();
          if (isStream && !canResume) {
            // An event's id may be split between chunks.
            const text = last + decoder.decode(value, { stream: true });
            canResume = /[\r\n]id:/.test(text);
            last = text.slice(-3);
          }
          controller.enqueue(value);
        } catch (error) {
          void reader.cancel().catch(() => {});
          end(error);
          controller.error(error);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    });
    return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers });
  }
}

/** Replaces status 202 of an answered request: the SDK reads no body with it, and waits. */
function withOkStatus(response: Response): Response {
  if (response.status !== HTTP_ACCEPTED) return response;
  const { body, headers } = response;
  return new Response(body, { status: HTTP_OK, headers });
}

/** Undefined if the body is not a message. `id` is undefined unless the message is a request. */
function readMessage(body: unknown): { id: number | undefined } | undefined {
  if (typeof body !== "string") return undefined;
  const { id, method } = JSON.parse(body) as { id?: unknown; method?: unknown };
  return { id: typeof id === "number" && typeof method === "string" ? id : undefined };
}

/** Reads the start of an error's body, which names a problem with the session or the version. */
async function readStart(response: Response): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > ERROR_BODY_CHARACTERS) break;
  }
  return text;
}

/** The protocol says 404. Many servers send 400 with a message about the session. */
function isSessionLost(status: number, errorBody: string): boolean {
  return status === HTTP_NOT_FOUND || (status === HTTP_BAD_REQUEST && /session/i.test(errorBody));
}

/**
 * Returns the initialize message with an older version, for servers that reject a version instead of proposing their
 * own (https://github.com/xpzouying/xiaohongshu-mcp/issues/697). Undefined for any other error, and after an older
 * version was rejected.
 */
function downgradeInitialize(body: unknown, errorBody: string): string | undefined {
  if (typeof body !== "string" || !/protocol.?version/i.test(errorBody)) return undefined;
  const message: unknown = JSON.parse(body);
  if (!isRecord(message) || message["method"] !== "initialize" || !isRecord(message["params"])) return undefined;
  if (message["params"]["protocolVersion"] !== LATEST_PROTOCOL_VERSION) return undefined;
  const older = SUPPORTED_PROTOCOL_VERSIONS.filter((version) => version !== LATEST_PROTOCOL_VERSION);
  const protocolVersion = older.find((version) => errorBody.includes(version)) ?? DEFAULT_NEGOTIATED_PROTOCOL_VERSION;
  return JSON.stringify({ ...message, params: { ...message["params"], protocolVersion } });
}
