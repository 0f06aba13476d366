/**
 * A call that the provider runs in its own background. Our connection may break, and our worker may die: the provider goes
 * on, and its recorded stream is read from where it was. `attempt` is one connection; the state between them is here.
 */
import { createHash } from "node:crypto";
import type { OpenAI } from "openai";
import { raceSignal } from "race-signal";
import type { CallAttachment, FailedFinish, UpstreamCall, UpstreamEvent } from "../upstream.ts";
import { DetachedError, failed } from "../upstream.ts";
import type { Connection } from "../provider/connection.ts";
import { brokenStreamFault } from "../provider/faults.ts";
import { asIndex, asString, isObject, isProviderEvent, type Json, type ProviderEvent } from "../provider/json.ts";
import type { Resumable, Tries } from "../provider/tries.ts";
import { isNotThere } from "./classify-fault.ts";
import { readFinish } from "./finish.ts";
import { OutputRelay } from "./output-relay.ts";
import { backgroundParams } from "./request.ts";

/** For the provider to name a response that was begun for a run which is over. */
const LATE_NAME_LIMIT_MS = 10_000;

type Events = AsyncIterator<unknown>;
/** `first` is an event that was read already. */
interface Opened {
  id: string | undefined;
  first: ProviderEvent;
  events: Events;
}

interface ProviderAccess {
  client: OpenAI;
  /** Its name in the configuration. */
  provider: string;
  limits: Pick<Tries, "headersLimit" | "idleLimit">;
  /** What the call carries of the provider's own parameters. */
  extra: object;
}

export class BackgroundCall implements Resumable {
  readonly #client: OpenAI;
  readonly #provider: string;
  readonly #call: UpstreamCall;
  readonly #attachment: CallAttachment;
  readonly #limits: ProviderAccess["limits"];
  readonly #extra: object;
  readonly #output: OutputRelay;
  #id: string | undefined;
  /** The provider's number of the last event that was read. */
  #seen: number;
  #hasProgress = false;

  constructor({ client, provider, limits, extra }: ProviderAccess, call: UpstreamCall, attachment: CallAttachment) {
    this.#client = client;
    this.#provider = provider;
    this.#limits = limits;
    this.#extra = extra;
    this.#call = call;
    this.#attachment = attachment;
    const { last } = attachment;
    this.#id = last?.id;
    this.#seen = last?.cursor ?? -1;
    this.#output = new OutputRelay(last && attachment.isTold);
  }

  get isAttached(): boolean {
    return this.#id !== undefined;
  }

  takeProgress(): boolean {
    const hadProgress = this.#hasProgress;
    this.#hasProgress = false;
    return hadProgress;
  }

  async *attempt(connection: Connection): AsyncGenerator<UpstreamEvent, void, undefined> {
    const isResumed = this.#id !== undefined;
    const events = isResumed ? await this.#resume(connection) : await this.#create(connection);
    if (events === undefined) return yield* this.#catchUp(connection);
    for (;;) {
      const next = await connection.within(this.#limits.idleLimit, events.next());
      if (next.done === true) break;
      const event: unknown = next.value;
      if (!isProviderEvent(event)) continue;
      const number = asIndex(event["sequence_number"]);
      if (number !== undefined && number <= this.#seen) continue;
      const isOver = yield* this.#take(event);
      if (isOver) return;
      this.#seen = number ?? this.#seen;
      this.#hasProgress = true;
      // A cursor may only stand where nothing is open: an item is told from its beginning or not at all.
      if (event.type === "response.output_item.done" && this.#output.isSettled) await this.#save(this.#seen);
    }
    // Some tell a response that is over by a stream without anything in it.
    if (isResumed && !this.#hasProgress) yield* this.#catchUp(connection, { mayRun: true });
  }

  /** Answers whether it was the last event. */
  async *#take(event: ProviderEvent, isBroken = false): AsyncGenerator<UpstreamEvent, boolean> {
    const finish = readFinish(event);
    if (finish === undefined) {
      yield* this.#output.relay(event);
      return false;
    }
    if (this.#id !== undefined && event.type !== "error") {
      this.#attachment.noteOver({ provider: this.#provider, id: this.#id });
    }
    if (finish.status !== "failed") yield* this.#output.close(event["response"], finish.status, { isBroken });
    yield isCancelled(event["response"]) ? CANCELLED : finish;
    return true;
  }

  async #save(cursor: number): Promise<void> {
    if (this.#id === undefined) return;
    await this.#attachment.save({ provider: this.#provider, id: this.#id, cursor });
  }

  /**
   * The run's own signal does not end the opening: a response that was begun, and whose id nobody has heard, could be
   * neither cancelled nor gone on with.
   */
  async #create(connection: Connection): Promise<Events> {
    const socket = new AbortController();
    const opening = connection.open(() => this.#open(socket.signal));
    let opened: Opened;
    try {
      opened = await connection.within(this.#limits.headersLimit, raceSignal(opening, connection.signal));
    } catch (error) {
      void this.#leave(opening, socket);
      throw error;
    }
    connection.signal.addEventListener("abort", () => socket.abort(), { once: true });
    this.#id = opened.id;
    await this.#save(asIndex(opened.first["sequence_number"]) ?? 0);
    return startingWith(opened.first, opened.events);
  }

  async #open(signal: AbortSignal): Promise<Opened> {
    const params = backgroundParams(this.#call, this.#extra);
    const digest = createHash("sha256").update(JSON.stringify(params)).digest("hex").slice(0, 16);
    // The SDK has an option for it, and sends no header. A call that has changed meanwhile is another call.
    const headers = { "Idempotency-Key": `${this.#attachment.key}-${digest}` };
    const stream = await this.#client.responses.create(params, { signal, headers });
    const events: Events = stream[Symbol.asyncIterator]();
    for (;;) {
      const next = await events.next();
      if (next.done === true) throw brokenStreamFault();
      const first: unknown = next.value;
      if (isProviderEvent(first)) return { id: responseIdOf(first), first, events };
    }
  }

  async #leave(opening: Promise<Opened>, socket: AbortController): Promise<void> {
    const timer = setTimeout(() => socket.abort(), LATE_NAME_LIMIT_MS);
    try {
      const { id } = await opening;
      if (id !== undefined) await this.#attachment.leave({ provider: this.#provider, id });
    } catch {
      // As far as can be known, nothing was begun.
    } finally {
      clearTimeout(timer);
      socket.abort();
    }
  }

  /** Undefined if there is no stream to go on with. */
  async #resume(connection: Connection): Promise<Events | undefined> {
    const query = { stream: true, starting_after: this.#seen } as const;
    const opening = connection.open(() =>
      this.#client.responses.retrieve(this.#id!, query, { signal: connection.signal }),
    );
    const stream = await connection.within(this.#limits.headersLimit, unlessRefused(opening));
    return stream?.[Symbol.asyncIterator]();
  }

  /** From the response as it stands, where its stream cannot be had. One that still runs will not be heard of again. */
  async *#catchUp(connection: Connection, { mayRun = false } = {}): AsyncGenerator<UpstreamEvent, void, undefined> {
    const reading = this.#client.responses.retrieve(this.#id!, {}, { signal: connection.signal });
    const response = await connection.within(this.#limits.headersLimit, unlessRefused(reading));
    const type = response && TERMINAL_EVENTS[response.status ?? ""];
    if (type === undefined) {
      if (response !== undefined && mayRun) return;
      throw new DetachedError("The provider does not have the response any more.", { isLost: true });
    }
    // What is missing of an item that was told in part cannot be told: it is told again from its beginning.
    if (this.#output.hasOpenItems) throw new DetachedError("The stream cannot be gone on with.", { isLost: false });
    yield* this.#take({ type, response }, true);
  }
}

const TERMINAL_EVENTS: Record<string, string> = {
  completed: "response.completed",
  incomplete: "response.incomplete",
  failed: "response.failed",
  cancelled: "response.failed",
};

const CANCELLED: FailedFinish = failed("server_error", "The response was cancelled at the provider.");

function isCancelled(response: unknown): boolean {
  return isObject(response) && response["status"] === "cancelled";
}

function responseIdOf(event: Json): string | undefined {
  const { response } = event;
  return isObject(response) ? asString(response["id"]) || undefined : undefined;
}

async function* startingWith(first: unknown, rest: Events): AsyncGenerator<unknown, void, undefined> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/** Undefined if the provider has nothing to read. */
async function unlessRefused<T>(work: PromiseLike<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isNotThere(error)) return undefined;
    throw error;
  }
}
