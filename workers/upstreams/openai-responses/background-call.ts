/**
 * A call that the provider runs in its own background. Our connection may break, and our worker may die: the provider goes
 * on, and its recorded stream is read from where it was. `attempt` is one connection; the state between them is here.
 */
import { createHash } from "node:crypto";
import type { OpenAI } from "openai";
import { raceSignal } from "race-signal";
import type { RemoteRunHandle, FailedFinish, UpstreamCall, UpstreamEvent } from "../upstream.ts";
import { RemoteRunInterruptedError, failedFinish } from "../upstream.ts";
import type { Connection } from "../provider/connection.ts";
import { createBrokenStreamError } from "../provider/provider-error.ts";
import { asIndex, asString, isObject, isProviderEvent, type Json, type ProviderEvent } from "../provider/json.ts";
import type { ResumableCall, RetryPolicy } from "../provider/retry-policy.ts";
import { isAbsentError } from "./classify-error.ts";
import { readFinish } from "./finish.ts";
import { OutputNormalizer } from "./output-normalizer.ts";
import { createBackgroundParams } from "./request.ts";

/** For the provider to name a response that was begun for a run which is over. */
const LATE_ID_TIMEOUT_MS = 10_000;

type EventIterator = AsyncIterator<unknown>;
/** `first` is an event that was read already. */
interface OpenedStream {
  id: string | undefined;
  first: ProviderEvent;
  events: EventIterator;
}

interface BackgroundCallOptions {
  client: OpenAI;
  /** Its name in the configuration. */
  provider: string;
  timeouts: Pick<RetryPolicy, "headersTimeout" | "idleTimeout">;
  /** What the call carries of the provider's own parameters. */
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
  /** The provider's number of the last event that was read. */
  #cursor: number;
  #hasProgress = false;

  constructor(
    { client, provider, timeouts, extra }: BackgroundCallOptions,
    call: UpstreamCall,
    attachment: RemoteRunHandle,
  ) {
    this.#client = client;
    this.#provider = provider;
    this.#timeouts = timeouts;
    this.#extra = extra;
    this.#call = call;
    this.#remoteRun = attachment;
    const { previous } = attachment;
    this.#id = previous?.id;
    this.#cursor = previous?.cursor ?? -1;
    this.#output = new OutputNormalizer(previous && attachment.isLogged);
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
      const isOver = yield* this.#relayEvent(event);
      if (isOver) return;
      this.#cursor = number ?? this.#cursor;
      this.#hasProgress = true;
      // A cursor may only stand where nothing is open: an item is told from its beginning or not at all.
      if (event.type === "response.output_item.done" && this.#output.isComplete) await this.#saveCursor(this.#cursor);
    }
    // Some tell a response that is over by a stream without anything in it.
    if (isResumed && !this.#hasProgress) yield* this.#catchUp(connection, { mayRun: true });
  }

  /** Answers whether it was the last event. */
  async *#relayEvent(event: ProviderEvent, isBroken = false): AsyncGenerator<UpstreamEvent, boolean> {
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
   * The run's own signal does not end the opening: a response that was begun, and whose id nobody has heard, could be
   * neither cancelled nor gone on with.
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
    // The SDK has an option for it, and sends no header. A call that has changed meanwhile is another call.
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
      // As far as can be known, nothing was begun.
    } finally {
      clearTimeout(timer);
      socket.abort();
    }
  }

  /** Undefined if there is no stream to go on with. */
  async #resume(connection: Connection): Promise<EventIterator | undefined> {
    const query = { stream: true, starting_after: this.#cursor } as const;
    const opening = connection.runRequest(() =>
      this.#client.responses.retrieve(this.#id!, query, { signal: connection.signal }),
    );
    const stream = await connection.waitWithin(this.#timeouts.headersTimeout, undefinedIfAbsent(opening));
    return stream?.[Symbol.asyncIterator]();
  }

  /** From the response as it stands, where its stream cannot be had. One that still runs will not be heard of again. */
  async *#catchUp(connection: Connection, { mayRun = false } = {}): AsyncGenerator<UpstreamEvent, void, undefined> {
    const reading = this.#client.responses.retrieve(this.#id!, {}, { signal: connection.signal });
    const response = await connection.waitWithin(this.#timeouts.headersTimeout, undefinedIfAbsent(reading));
    const type = response && TERMINAL_EVENTS[response.status ?? ""];
    if (type === undefined) {
      if (response !== undefined && mayRun) return;
      throw new RemoteRunInterruptedError("The provider does not have the response any more.", { isLost: true });
    }
    // What is missing of an item that was told in part cannot be told: it is told again from its beginning.
    if (this.#output.hasOpenItems)
      throw new RemoteRunInterruptedError("The stream cannot be gone on with.", { isLost: false });
    yield* this.#relayEvent({ type, response }, true);
  }
}

const TERMINAL_EVENTS: Record<string, string> = {
  completed: "response.completed",
  incomplete: "response.incomplete",
  failed: "response.failed",
  cancelled: "response.failed",
};

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

/** Undefined if the provider has nothing to read. */
async function undefinedIfAbsent<T>(work: PromiseLike<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isAbsentError(error)) return undefined;
    throw error;
  }
}
