/** A subscriber as a developer would write one with only fetch, and the oracle that checks its events. */
import { createParser } from "eventsource-parser";
import { expect } from "vitest";
import { EventGrammar } from "../../src/lifecycle/event-grammar.ts";
import { isTerminalEventType, type ResponseStreamEvent } from "../../src/protocol/event.ts";
import type { Response } from "../../src/protocol/response.ts";

export interface ReceivedEvent {
  id: number;
  type: string;
  /** The data line, byte for byte. */
  data: string;
}

export interface SubscribeOptions {
  /** Absent: from the beginning. */
  startingAfter?: number | undefined;
  headers?: Record<string, string>;
  /** Cut the connection after this many bytes. */
  cutAfterBytes?: number;
  /** Cut the connection after this event. */
  cutAfterEvents?: number;
  signal?: AbortSignal;
  onEvent?: (event: ReceivedEvent) => void | Promise<void>;
}

export interface ReceivedStream {
  events: ReceivedEvent[];
  /** Whether the server ended the stream, as opposed to a cut connection. */
  isWhole: boolean;
}

/** Follows `GET /responses/:id?stream=true`. Events that a cut left incomplete do not count. */
export async function subscribe(url: string, id: string, options: SubscribeOptions = {}): Promise<ReceivedStream> {
  const query = options.startingAfter === undefined ? "" : `&starting_after=${options.startingAfter}`;
  const cut = new AbortController();
  const signal = options.signal === undefined ? cut.signal : AbortSignal.any([cut.signal, options.signal]);
  const response = await fetch(`${url}/responses/${id}?stream=true${query}`, {
    signal,
    headers: options.headers ?? {},
  });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return await receive(response, cut, options);
}

/** Reads an event stream that a request has begun. */
export async function receive(
  response: globalThis.Response,
  cut: AbortController,
  options: SubscribeOptions = {},
): Promise<ReceivedStream> {
  const events: ReceivedEvent[] = [];
  const arrived: ReceivedEvent[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => arrived.push({ id: Number(id), type: event ?? "", data }),
  });
  const decoder = new TextDecoder();
  let bytes = 0;
  try {
    for await (const chunk of response.body!) {
      const left = (options.cutAfterBytes ?? Number.POSITIVE_INFINITY) - bytes;
      const taken = chunk.subarray(0, left);
      bytes += taken.length;
      parser.feed(decoder.decode(taken, { stream: true }));
      for (const event of arrived.splice(0)) {
        events.push(event);
        await options.onEvent?.(event);
        if (events.length === options.cutAfterEvents) break;
      }
      if (taken.length < chunk.length || events.length === options.cutAfterEvents) {
        cut.abort();
        return { events, isWhole: false };
      }
    }
  } catch {
    return { events, isWhole: false };
  }
  return { events, isWhole: true };
}

/** Follows to the terminal event through all cuts, each time from its cursor. */
export async function subscribeToEnd(
  urlOf: () => string,
  id: string,
  options: SubscribeOptions = {},
): Promise<ReceivedEvent[]> {
  const events: ReceivedEvent[] = [];
  let { startingAfter } = options;
  for (;;) {
    const received = await subscribe(urlOf(), id, { ...options, startingAfter }).catch(() => undefined);
    events.push(...(received?.events ?? []));
    startingAfter = events.at(-1)?.id ?? startingAfter;
    const last = events.at(-1);
    if (last !== undefined && isTerminalEventType(last.type)) return events;
    options.signal?.throwIfAborted();
  }
}

/** Exactly `first … terminal`, in order, one terminal event, and the same bytes as the log. */
export function expectExact(events: readonly ReceivedEvent[], log: readonly string[], first: number): void {
  const wanted = log.slice(first);
  expect(events.map((event) => event.id)).toEqual(wanted.map((_, i) => first + i));
  const differs = events.findIndex((event, i) => event.data !== wanted[i]);
  expect(differs, `event ${first + differs} differs from the log`).toBe(-1);
  for (const event of events) {
    const { type, sequence_number } = JSON.parse(event.data) as { type: string; sequence_number: number };
    expect([type, sequence_number]).toEqual([event.type, event.id]);
  }
  expectOneTerminal(log);
  expectLegal(log);
}

/** Every rule of the event grammar; the error names the broken one. */
export function expectLegal(log: readonly string[]): void {
  const grammar = new EventGrammar();
  for (const data of log) grammar.accept(JSON.parse(data) as ResponseStreamEvent);
  expect(grammar.hasEnded).toBe(true);
}

export function expectOneTerminal(log: readonly string[]): Response {
  const terminal = log.filter((data) => isTerminalEventType((JSON.parse(data) as { type: string }).type));
  expect(terminal).toHaveLength(1);
  expect(log.at(-1)).toBe(terminal[0]);
  return (JSON.parse(terminal[0]!) as { response: Response }).response;
}
