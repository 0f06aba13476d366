/**
 * `fetch` as the SDK's transports are given it: bounded in size, and quick to say what they only notice when a time limit
 * has passed. Four things are added to the protocol's client:
 *   - a refused message rejects with its status, and nothing of what the server said about it;
 *   - a request whose stream ends without its answer, and cannot be resumed, is answered with an error at once;
 *   - a message that the SDK would drop for one of its fields is made sound;
 *   - no stream is opened for messages that are not asked for: there is nothing that this client would do with them.
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
  /** Of one answer's body. */
  maxBytes: number;
  /** The stream of the answer to this request is over. It may have been answered. */
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
  /** Messages on their way that are not answered. */
  readonly #notifications = new Set<Promise<unknown>>();

  constructor(options: WatchedFetchOptions) {
    this.#options = options;
  }

  /** Resolves when every notice (that a request is cancelled) has been taken. */
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

  /** For the older transport, whose one stream carries all answers. */
  readonly fetchWithStream: FetchLike = async (url, init) => {
    // What a server says to a message itself is read by nobody.
    if (init?.method === "POST") return (await this.#exchange(url, init, new Headers(init.headers))).response;
    const response = await this.#options.fetch(url, init);
    if (response.body === null) return response;
    const watched = this.#watch(response, undefined);
    return new Response(watched.body?.pipeThrough(normalizeEventStream(undefined)) ?? null, watched);
  };

  /** The answer to a message, and the message's id if it is to be answered. */
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
      const said = await readStart(response);
      const older = response.status === HTTP_BAD_REQUEST ? downgradeInitialize(init.body, said) : undefined;
      if (older !== undefined) return await this.#send(url, { ...init, body: older }, hasSession);
      throw new HttpStatusError(response.status, hasSession && isSessionLost(response.status, said));
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
            // An event's id may be cut in two.
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

/** A request that was answered, whatever its status says: of a 202 the SDK reads nothing, and waits. */
function withOkStatus(response: Response): Response {
  if (response.status !== HTTP_ACCEPTED) return response;
  const { body, headers } = response;
  return new Response(body, { status: HTTP_OK, headers });
}

/** Undefined for what is no message. An `id` says that it is to be answered: it is none of an answer to the server. */
function readMessage(body: unknown): { id: number | undefined } | undefined {
  if (typeof body !== "string") return undefined;
  const { id, method } = JSON.parse(body) as { id?: unknown; method?: unknown };
  return { id: typeof id === "number" && typeof method === "string" ? id : undefined };
}

/** Of an answer that is an error: what is said of the session or the version is at its beginning. */
async function readStart(response: Response): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > ERROR_BODY_CHARACTERS) break;
  }
  return text;
}

/** 404 by the protocol; many servers say 400, and that it is about the session. */
function isSessionLost(status: number, said: string): boolean {
  return status === HTTP_NOT_FOUND || (status === HTTP_BAD_REQUEST && /session/i.test(said));
}

/**
 * The greeting with an older version, for servers that refuse a version where they should name theirs
 * (https://github.com/xpzouying/xiaohongshu-mcp/issues/697). Undefined if the refusal is about something else, or was one
 * of an older version already.
 */
function downgradeInitialize(body: unknown, said: string): string | undefined {
  if (typeof body !== "string" || !/protocol.?version/i.test(said)) return undefined;
  const message: unknown = JSON.parse(body);
  if (!isRecord(message) || message["method"] !== "initialize" || !isRecord(message["params"])) return undefined;
  if (message["params"]["protocolVersion"] !== LATEST_PROTOCOL_VERSION) return undefined;
  const older = SUPPORTED_PROTOCOL_VERSIONS.filter((version) => version !== LATEST_PROTOCOL_VERSION);
  const protocolVersion = older.find((version) => said.includes(version)) ?? DEFAULT_NEGOTIATED_PROTOCOL_VERSION;
  return JSON.stringify({ ...message, params: { ...message["params"], protocolVersion } });
}
