/**
 * A call that the provider runs in its own background. If our connection breaks or our worker crashes, the provider
 * continues, and its recorded stream is read from the last cursor. `streamOnce` uses one connection; this object holds
 * the state between connections.
 */
import { createHash } from "node:crypto";
import type { OpenAI } from "openai";
import { raceSignal } from "race-signal";
import type { RemoteRunHandle, FailedFinish, UpstreamCall, UpstreamEvent } from "../upstream.ts";
import { RemoteRunInterruptedError, failedFinish } from "../upstream.ts";
import type { Connection } from "../http/connection.ts";
import { createBrokenStreamError } from "../http/provider-error.ts";
import { asIndex, asString, isObject, isProviderEvent, type Json, type ProviderEvent } from "../http/json.ts";
import type { ResumableCall, RetryPolicy } from "../http/retry-policy.ts";
import { isAbsentError } from "./classify-error.ts";
import { readFinish } from "./finish.ts";
import { OutputNormalizer } from "./output-normalizer.ts";
import { TERMINAL_EVENTS } from "../http/unstreamed-answer.ts";
import { createBackgroundParams } from "./request.ts";

/** Timeout for the provider to name a response whose run has already ended here. */
const LATE_ID_TIMEOUT_MS = 10_000;

type EventIterator = AsyncIterator<unknown>;
/** `first` is an event that was already read. */
interface OpenedStream {
  id: string | undefined;
  first: ProviderEvent;
  events: EventIterator;
}

interface BackgroundCallOptions {
  client: OpenAI;
  /** The provider's name in the configuration. */
  provider: string;
  timeouts: Pick<RetryPolicy, "headersTimeout" | "idleTimeout">;
  /** Provider-specific parameters of the request. */
  extra: object;
}

export class BackgroundCall implements ResumableCall {
  readonly #client: OpenAI;
  readonly #provider: string;
  readonly #call: UpstreamCall;
  readonly #remoteRun: RemoteRunHandle;
  readonly #timeouts: BackgroundCallOptions["timeouts"];
  readonly #extra: object;
  readonly #output: OutputNormalizer;
  #id: string | undefined;
  /** The provider's sequence number of the last event that was read. */
  #cursor: number;
  #hasProgress = false;

  constructor(
    { client, provider, timeouts, extra }: BackgroundCallOptions,
    call: UpstreamCall,
    remoteRun: RemoteRunHandle,
  ) {
    this.#client = client;
    this.#provider = provider;
    this.#timeouts = timeouts;
    this.#extra = extra;
    this.#call = call;
    this.#remoteRun = remoteRun;
    const { previous } = remoteRun;
    this.#id = previous?.id;
    this.#cursor = previous?.cursor ?? -1;
    this.#output = new OutputNormalizer(previous && remoteRun.isLogged);
  }

  get hasRemoteRun(): boolean {
    return this.#id !== undefined;
  }

  takeProgress(): boolean {
    const hadProgress = this.#hasProgress;
    this.#hasProgress = false;
    return hadProgress;
  }

  async *streamOnce(connection: Connection): AsyncGenerator<UpstreamEvent, void, undefined> {
    const isResumed = this.#id !== undefined;
    const events = isResumed ? await this.#resume(connection) : await this.#create(connection);
    if (events === undefined) return yield* this.#catchUp(connection);
    for (;;) {
      const next = await connection.waitWithin(this.#timeouts.idleTimeout, events.next());
      if (next.done === true) break;
      const event: unknown = next.value;
      if (!isProviderEvent(event)) continue;
      const number = asIndex(event["sequence_number"]);
      if (number !== undefined && number <= this.#cursor) continue;
      const hasEnded = yield* this.#emitEvent(event);
      if (hasEnded) return;
      this.#cursor = number ?? this.#cursor;
      this.#hasProgress = true;
      // The cursor may only be saved between items: an item is replayed from its beginning or not at all.
      if (event.type === "response.output_item.done" && this.#output.isComplete) await this.#saveCursor(this.#cursor);
    }
    // Some providers answer for an ended response with an empty stream.
    if (isResumed && !this.#hasProgress) yield* this.#catchUp(connection, { mayRun: true });
  }

  /** Emits the event's output. Returns whether the response has ended. */
  async *#emitEvent(event: ProviderEvent, isBroken = false): AsyncGenerator<UpstreamEvent, boolean> {
    const finish = readFinish(event);
    if (finish === undefined) {
      yield* this.#output.normalize(event);
      return false;
    }
    if (this.#id !== undefined && event.type !== "error") {
      this.#remoteRun.noteEnded({ provider: this.#provider, id: this.#id });
    }
    if (finish.status !== "failed") yield* this.#output.close(event["response"], finish.status, { isBroken });
    yield isCancelled(event["response"]) ? CANCELLED_FINISH : finish;
    return true;
  }

  async #saveCursor(cursor: number): Promise<void> {
    if (this.#id === undefined) return;
    await this.#remoteRun.save({ provider: this.#provider, id: this.#id, cursor });
  }

  /**
   * The run's signal does not abort the opening request: a response that was created but whose id is unknown could be
   * neither cancelled nor resumed.
   */
  async #create(connection: Connection): Promise<EventIterator> {
    const socket = new AbortController();
    const opening = connection.runRequest(() => this.#openStream(socket.signal));
    let opened: OpenedStream;
    try {
      opened = await connection.waitWithin(this.#timeouts.headersTimeout, raceSignal(opening, connection.signal));
    } catch (error) {
      void this.#abandonLate(opening, socket);
      throw error;
    }
    connection.signal.addEventListener("abort", () => socket.abort(), { once: true });
    this.#id = opened.id;
    await this.#saveCursor(asIndex(opened.first["sequence_number"]) ?? 0);
    return prependEvent(opened.first, opened.events);
  }

  async #openStream(signal: AbortSignal): Promise<OpenedStream> {
    const params = createBackgroundParams(this.#call, this.#extra);
    const digest = createHash("sha256").update(JSON.stringify(params)).digest("hex").slice(0, 16);
    // The SDK's own option sends no header. A changed call must not reuse the key of the old one.
    const headers = { "Idempotency-Key": `${this.#remoteRun.idempotencyKey}-${digest}` };
    const stream = await this.#client.responses.create(params, { signal, headers });
    const events: EventIterator = stream[Symbol.asyncIterator]();
    for (;;) {
      const next = await events.next();
      if (next.done === true) throw createBrokenStreamError();
      const first: unknown = next.value;
      if (isProviderEvent(first)) return { id: readResponseId(first), first, events };
    }
  }

  async #abandonLate(opening: Promise<OpenedStream>, socket: AbortController): Promise<void> {
    const timer = setTimeout(() => socket.abort(), LATE_ID_TIMEOUT_MS);
    try {
      const { id } = await opening;
      if (id !== undefined) await this.#remoteRun.abandon({ provider: this.#provider, id });
    } catch {
      // The request failed, so presumably no response was created.
    } finally {
      clearTimeout(timer);
      socket.abort();
    }
  }

  /** Undefined if there is no stream to resume. */
  async #resume(connection: Connection): Promise<EventIterator | undefined> {
    const query = { stream: true, starting_after: this.#cursor } as const;
    const opening = connection.runRequest(() =>
      this.#client.responses.retrieve(this.#id!, query, { signal: connection.signal }),
    );
    const stream = await connection.waitWithin(this.#timeouts.headersTimeout, undefinedIfAbsent(opening));
    return stream?.[Symbol.asyncIterator]();
  }

  /** Reads the response itself if its stream cannot be read. A response that still runs counts as lost. */
  async *#catchUp(connection: Connection, { mayRun = false } = {}): AsyncGenerator<UpstreamEvent, void, undefined> {
    const reading = this.#client.responses.retrieve(this.#id!, {}, { signal: connection.signal });
    const response = await connection.waitWithin(this.#timeouts.headersTimeout, undefinedIfAbsent(reading));
    const type = response && TERMINAL_EVENTS[response.status ?? ""];
    if (type === undefined) {
      if (response !== undefined && mayRun) return;
      throw new RemoteRunInterruptedError("The provider no longer has the response.", { isLost: true });
    }
    // The rest of a partly emitted item cannot be streamed, so the item must be replayed from its beginning.
    if (this.#output.hasOpenItems)
      throw new RemoteRunInterruptedError("The provider's stream cannot be resumed.", { isLost: false });
    yield* this.#emitEvent({ type, response }, true);
  }
}

const CANCELLED_FINISH: FailedFinish = failedFinish("server_error", "The response was cancelled at the provider.");

function isCancelled(response: unknown): boolean {
  return isObject(response) && response["status"] === "cancelled";
}

function readResponseId(event: Json): string | undefined {
  const { response } = event;
  return isObject(response) ? asString(response["id"]) || undefined : undefined;
}

async function* prependEvent(first: unknown, rest: EventIterator): AsyncGenerator<unknown, void, undefined> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/** Undefined if the provider does not have the response. */
async function undefinedIfAbsent<T>(work: PromiseLike<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isAbsentError(error)) return undefined;
    throw error;
  }
}
