/**
 * Follows a response to its end, across lost connections and restarts of the server. Runs in Node and in browsers, and so
 * imports nothing of Node.
 */
import { checkId } from "./check-id.ts";
import type { EventOf, ResponseOf, ResponsesClient, RetrieveQuery } from "./client.ts";
import { ConnectionLostError, FollowError } from "./errors.ts";
import { readEventStream } from "./event-stream.ts";
import { terminalResponseOf, withOutputText } from "./json.ts";
import { readCurrent } from "./read-current.ts";
import { RequestSignal } from "./request-signal.ts";
import { Retries, type RetryOptions } from "./retries.ts";
import { waitFor } from "./wait-for.ts";

export interface FollowOptions extends RetryOptions {
  /** `sequence_number` of the last event that the caller has. Only later events follow. Without it: all events. */
  after?: number | undefined;
  /** Stops following; the response runs on. Iterating then throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Timeout until the server answers a request. One minute by default. */
  connectTimeoutMs?: number;
  /**
   * Time without a byte after which a connection counts as lost. One minute by default: four heartbeats of this server. A
   * server without heartbeats needs more, or only gets a new connection each minute.
   */
  silenceTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 60_000;
const SILENCE_TIMEOUT_MS = 60_000;
/** Connections in a row that end without an event, after which the response itself is asked whether it has ended. */
const MAX_EMPTY_STREAMS = 3;

/**
 * The events of a response, each once and in order, until its last one:
 *
 *     for await (const event of follow(openai, id)) …
 *     const response = await follow(openai, id).finalResponse();
 *
 * Retries lost connections, 408, 409, 429 and 5xx. Throws the errors of the `openai` package for everything else, such as
 * `NotFoundError` for a response that was deleted; `FollowError` if the server is away for too long.
 */
export function follow<Client extends ResponsesClient>(
  client: Client,
  id: string,
  options: FollowOptions = {},
): Follow<EventOf<Client>, ResponseOf<Client>> {
  checkId(id);
  return new Follow(client, id, options);
}

export class Follow<Event, Final> implements AsyncIterable<Event, Final, undefined> {
  readonly #client: ResponsesClient;
  readonly #id: string;
  readonly #options: FollowOptions;
  readonly #retries: Retries;
  readonly #signal: AbortSignal;
  #cursor: number | undefined;
  /** Whether the event at the cursor came from the server, so that it is known not to be the last one. */
  #isCursorSeen = false;
  #emptyStreams = 0;
  #isFollowing = false;
  #final: Final | undefined;

  /** @internal Use `follow`. */
  constructor(client: ResponsesClient, id: string, options: FollowOptions) {
    this.#client = client;
    this.#id = id;
    this.#options = options;
    this.#retries = new Retries(options);
    this.#signal = options.signal ?? new AbortController().signal;
    this.#cursor = options.after;
  }

  /** `sequence_number` of the last event that was yielded: store it, and pass it as `after` to another `follow`. */
  get cursor(): number | undefined {
    return this.#cursor;
  }

  /** Returns the final response. A loop that was left can be resumed by another one, which starts after the cursor. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Event, Final, undefined> {
    if (this.#isFollowing) {
      throw new FollowError("already_followed", "A loop follows this response already: call follow() once per loop.");
    }
    this.#isFollowing = true;
    try {
      while (this.#final === undefined) {
        const failure = yield* this.#followOnce();
        if (failure !== undefined) await this.#retries.waitAfter(failure, this.#signal);
      }
      return this.#final;
    } finally {
      this.#isFollowing = false;
    }
  }

  /**
   * The response as it ended: `completed`, `incomplete`, `failed` or `cancelled`. Follows the events if no loop does, and
   * polls beside a loop.
   */
  async finalResponse(): Promise<Final> {
    if (this.#final === undefined && this.#isFollowing) {
      const { signal, ...retries } = { ...this.#options, signal: this.#signal };
      return (await waitFor(this.#client, this.#id, { ...retries, signal })) as Final;
    }
    const events = this[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await events.next();
      if (done === true) return value;
    }
  }

  /** Yields the events of one connection. Returns why it ended before the response did. */
  async *#followOnce(): AsyncGenerator<Event, unknown, undefined> {
    let count = 0;
    const request = new RequestSignal(this.#signal);
    try {
      const { silenceTimeoutMs = SILENCE_TIMEOUT_MS } = this.#options;
      const answer = await this.#connect(request.signal);
      for await (const event of readEventStream(answer, { signal: this.#signal, silenceTimeoutMs })) {
        count += 1;
        this.#retries.succeed();
        const terminal = terminalResponseOf(event);
        if (terminal !== undefined) this.#final = withOutputText(terminal) as Final;
        const isRepeated = this.#cursor !== undefined && event.sequence_number <= this.#cursor;
        if (!isRepeated) {
          this.#cursor = event.sequence_number;
          yield event as Event;
        }
        this.#isCursorSeen = true;
        if (terminal !== undefined) return undefined;
      }
    } catch (error) {
      return error;
    } finally {
      request.close();
    }
    return await this.#explainEnd(count);
  }

  async #connect(signal: AbortSignal): Promise<Response> {
    const { connectTimeoutMs = CONNECT_TIMEOUT_MS } = this.#options;
    const query: RetrieveQuery = { stream: true };
    // A cursor of the caller may be the last event. The server sends this event again, and it ends the loop.
    const after = this.#cursor === undefined || this.#isCursorSeen ? this.#cursor : this.#cursor - 1;
    if (after !== undefined && after >= 0) query.starting_after = after;
    return await this.#client.responses
      .retrieve(this.#id, query, { signal, maxRetries: 0, timeout: connectTimeoutMs })
      .asResponse();
  }

  /** A server that stops ends its streams early. One that has no event after the cursor ends them at once. */
  async #explainEnd(count: number): Promise<unknown> {
    this.#isCursorSeen = true;
    this.#emptyStreams = count === 0 ? this.#emptyStreams + 1 : 0;
    if (this.#emptyStreams >= MAX_EMPTY_STREAMS) {
      const { connectTimeoutMs = CONNECT_TIMEOUT_MS } = this.#options;
      try {
        const options = { signal: this.#signal, timeoutMs: connectTimeoutMs };
        const { response, hasEnded } = await readCurrent(this.#client, this.#id, options);
        if (hasEnded) {
          this.#final = response as Final;
          return undefined;
        }
      } catch (error) {
        return error;
      }
    }
    return new ConnectionLostError("The server ended the stream before the response ended.");
  }
}
