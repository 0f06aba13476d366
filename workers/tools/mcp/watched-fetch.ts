/**
 * `fetch` as the SDK's transports are given it: bounded in size, and quick to say what they only notice when a time limit
 * has passed. Three things are added to the protocol's client:
 *   - a refused message rejects with its status, and nothing of what the server said about it;
 *   - a request whose stream ends without its answer, and cannot be resumed, is answered with an error at once;
 *   - no stream is opened for messages that are not asked for: there is nothing that this client would do with them.
 */
import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import { AnswerTooLongError, HttpStatusError } from "./faults.ts";

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

export class WatchedFetch {
  readonly #options: WatchedFetchOptions;
  /** Messages on their way that are not answered. */
  readonly #notices = new Set<Promise<unknown>>();

  constructor(options: WatchedFetchOptions) {
    this.#options = options;
  }

  /** Resolves when every notice (that a request is cancelled) has been taken. */
  async settleNotices(): Promise<void> {
    await Promise.allSettled(this.#notices);
  }

  readonly fetch: FetchLike = async (url, init) => {
    const headers = new Headers(init?.headers);
    if (init?.method === "GET" && !headers.has("last-event-id")) return new Response(null, { status: 405 });
    const message = messageOf(init?.body);
    const sent = this.#send(url, init, headers.has("mcp-session-id"));
    if (message?.id === undefined) {
      this.#notices.add(sent);
      void sent.catch(() => {}).finally(() => this.#notices.delete(sent));
    }
    const response = await sent;
    return response.body === null ? response : this.#watch(response, message?.id);
  };

  /** For the older transport, whose one stream carries all answers. */
  readonly fetchWithStream: FetchLike = async (url, init) => {
    if (init?.method === "POST") return await this.fetch(url, init);
    const response = await this.#options.fetch(url, init);
    return response.body === null ? response : this.#watch(response, undefined);
  };

  async #send(url: string | URL, init: RequestInit | undefined, hasSession: boolean): Promise<Response> {
    const isPost = init?.method === "POST";
    try {
      const response = await this.#options.fetch(url, init);
      if (response.status >= 400 && !isPost) this.#options.onResumeFailed();
      if (response.status < 400 || !isPost) return response;
      throw new HttpStatusError(response.status, hasSession && (await isSessionLost(response)));
    } catch (error) {
      if (!isPost) this.#options.onResumeFailed();
      throw error;
    }
  }

  #watch(response: Response, requestId: number | undefined): Response {
    const { maxBytes, onStreamEnd } = this.#options;
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
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

/** Undefined for what is no message. An `id` says that it is to be answered. */
function messageOf(body: unknown): { id: number | undefined } | undefined {
  if (typeof body !== "string") return undefined;
  const { id } = JSON.parse(body) as { id?: unknown };
  return { id: typeof id === "number" ? id : undefined };
}

/** 404 by the protocol; many servers say 400, and that it is about the session. */
async function isSessionLost(response: Response): Promise<boolean> {
  if (response.status === 404) {
    await response.body?.cancel();
    return true;
  }
  if (response.status !== 400) {
    await response.body?.cancel();
    return false;
  }
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > ERROR_BODY_CHARACTERS) break;
  }
  return /session/i.test(text);
}
