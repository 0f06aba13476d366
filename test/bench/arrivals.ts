/** An endless response, and the arrival times of its events: the longest gap is measured. */
import type { Response } from "../../src/protocol/response.ts";
import type { FollowedEvent } from "./follow.ts";
import { nowMs } from "./measurement.ts";

const TIMEOUT_MS = 60_000;

/** A response that runs until it is cancelled, with an event every 10 ms. */
export async function createEndless(port: number): Promise<Response> {
  const metadata = { "simulator.tokens": "100000", "simulator.delay_ms": "10" };
  const body = JSON.stringify({ model: "simulator/default", input: "Go on.", background: true, metadata });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, { method: "POST", headers, body });
  if (!answer.ok) throw new Error(`The POST was answered ${answer.status}.`);
  return (await answer.json()) as Response;
}

/** Reports when an event has arrived. */
export class Arrivals {
  #waiting: { id: number; resolve: (atMs: number) => void } | undefined;
  #last = -1;
  #lastMs = 0;

  /** The id of the last event that has arrived; -1 before the first. */
  get last(): number {
    return this.#last;
  }

  take({ id }: FollowedEvent): void {
    this.#last = id;
    this.#lastMs = nowMs();
    if (this.#waiting !== undefined && id > this.#waiting.id) this.#waiting.resolve(this.#lastMs);
  }

  /** The arrival time of the first event after `id`, if it arrives from now on; otherwise of the last one. */
  async after(id: number): Promise<number> {
    if (this.#last > id) return this.#lastMs;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const timeout = setTimeout(() => reject(new Error(`No event after ${id} came.`)), TIMEOUT_MS);
    this.#waiting = { id, resolve };
    return await promise.finally(() => clearTimeout(timeout));
  }
}
