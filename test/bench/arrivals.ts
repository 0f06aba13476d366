/** A response without an end, and when its events come: what is measured is how long none does. */
import type { Response } from "../../src/protocol/response.ts";
import type { FollowedEvent } from "./follow.ts";
import { nowMs } from "./measurement.ts";

const TIMEOUT_MS = 60_000;

/** A response that goes on until it is cancelled, an event every 10 ms. */
export async function createEndless(port: number): Promise<Response> {
  const metadata = { "simulator.tokens": "100000", "simulator.delay_ms": "10" };
  const body = JSON.stringify({ model: "simulator/default", input: "Go on.", background: true, metadata });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, { method: "POST", headers, body });
  if (!answer.ok) throw new Error(`The POST was answered ${answer.status}.`);
  return (await answer.json()) as Response;
}

/** Tells when an event has come. */
export class Arrivals {
  #waiting: { id: number; resolve: (atMs: number) => void } | undefined;
  #last = -1;
  #lastMs = 0;

  /** The id of the last event that has come; -1 before the first. */
  get last(): number {
    return this.#last;
  }

  take({ id }: FollowedEvent): void {
    this.#last = id;
    this.#lastMs = nowMs();
    if (this.#waiting !== undefined && id > this.#waiting.id) this.#waiting.resolve(this.#lastMs);
  }

  /** When the first event after `id` came, if it comes from here on; or the last one that has come. */
  async after(id: number): Promise<number> {
    if (this.#last > id) return this.#lastMs;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const timeout = setTimeout(() => reject(new Error(`No event after ${id} came.`)), TIMEOUT_MS);
    this.#waiting = { id, resolve };
    return await promise.finally(() => clearTimeout(timeout));
  }
}
