/** Requests for the simulator in the client's own types, and common steps of the suites. */
import type OpenAI from "openai";
import type { SimulatorSettings } from "../../support/api-client.ts";

export type StreamEvent = OpenAI.Responses.ResponseStreamEvent;

export function simulator(settings: SimulatorSettings): { model: string; input: string; metadata: OpenAI.Metadata } {
  const entries = Object.entries(settings).map(([name, value]) => [`simulator.${name}`, String(value)]);
  return { model: "simulator/default", input: "Tell me about herons.", metadata: Object.fromEntries(entries) };
}

const POLL_MS = 50;

/** As in the vendor's guide on background mode. */
export async function pollToTheEnd(client: OpenAI, id: string): Promise<OpenAI.Responses.Response> {
  let response = await client.responses.retrieve(id);
  while (response.status === "queued" || response.status === "in_progress") {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    response = await client.responses.retrieve(id);
  }
  return response;
}

/** The whole stream from its first event, read again. */
export async function replay(client: OpenAI, id: string): Promise<StreamEvent[]> {
  return await collect(await client.responses.retrieve(id, { stream: true }));
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** The error that rejects the request. */
export async function errorOf(request: PromiseLike<unknown>): Promise<unknown> {
  try {
    await request;
  } catch (error) {
    return error;
  }
  throw new Error("The request was not rejected.");
}

/** Reads until an event `isLast`, then cuts the connection. */
export async function readUntil(
  stream: AsyncIterable<StreamEvent> & { controller: AbortController },
  isLast: (event: StreamEvent) => boolean,
): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of stream) {
    events.push(event);
    if (!isLast(event)) continue;
    stream.controller.abort();
    break;
  }
  return events;
}

export const numbersOf = (events: readonly StreamEvent[]): number[] => events.map((event) => event.sequence_number);

/** first … last */
export const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

export const typesOf = (events: readonly StreamEvent[]): string[] => events.map((event) => event.type);

/** The helper adds the accumulated text to its deltas. */
export function withoutSnapshot(event: StreamEvent): StreamEvent {
  const { snapshot: _, ...wireEvent } = event as StreamEvent & { snapshot?: string };
  return wireEvent;
}
