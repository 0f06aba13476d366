/**
 * Turns any provider's answer into a well-formed event stream. It sits between the network and the SDKs, which fail at the
 * first event that they cannot parse.
 *
 *   - Every byte shows that the provider is alive, even comments and empty events (OpenRouter, DeepSeek, llama.cpp).
 *   - `[DONE]` ends the stream. Some servers keep the connection open after it, or send more.
 *   - Events that are not JSON are dropped: gateways turn their providers' comments into events
 *     (https://github.com/mnfst/llm-gateway/issues/2053).
 *   - An answer without streaming, where a stream was requested, becomes one (unstreamed-answer.ts).
 */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { getCurrentConnection, type Connection } from "./connection.ts";
import { isObject, parseJson } from "./json.ts";
import { toStreamEvents } from "./unstreamed-answer.ts";

type Fetch = typeof globalThis.fetch;

const DONE = "[DONE]";

/** Repairs the events of one stream. */
export interface EventNormalizer {
  /** Undefined if the event must be dropped. */
  read(event: unknown): unknown;
  /** Events that are missing at the end. `isDone`: the provider has marked the end. */
  end(isDone: boolean): unknown[];
}

export const NO_NORMALIZER: EventNormalizer = { read: (event) => event, end: () => [] };

export function withEventStream(send: Fetch, createNormalizer: () => EventNormalizer = () => NO_NORMALIZER): Fetch {
  return async (url, init) => {
    const connection = getCurrentConnection();
    const response = await send(url, init);
    if (!response.ok || response.body === null || !asksForStream(url, init)) return response;
    const isStream = response.headers.get("content-type")?.includes("event-stream") === true;
    const body = isStream
      ? toReadableStream(normalizeStream(response.body, createNormalizer(), connection))
      : streamWholeAnswer(await response.text(), createNormalizer(), connection);
    const headers = new Headers({ ...Object.fromEntries(response.headers), "content-type": "text/event-stream" });
    return new Response(body, { status: response.status, statusText: response.statusText, headers });
  };
}

function asksForStream(url: Parameters<Fetch>[0], init: RequestInit | undefined): boolean {
  // Reading a remote run may return the response itself, which is not a generated answer.
  if (init?.method?.toUpperCase() !== "POST") return false;
  const address = url instanceof Request ? url.url : url.toString();
  if (/[?&]alt=sse\b/.test(address)) return true;
  return typeof init?.body === "string" && /"stream": ?true/.test(init.body);
}

/** Matches without the blank line after it, which some servers omit. */
const DONE_LINE = /[\r\n]data: ?\[DONE\]/;
/** Text of the previous chunk in which a `[DONE]` may start that is split between chunks. */
const MAX_TAIL_CHARACTERS = "\ndata: [DONE]".length - 1;

/** Not `pipeThrough`: if the stream breaks, it would lose the events before the break. */
async function* normalizeStream(
  body: AsyncIterable<Uint8Array>,
  normalizer: EventNormalizer,
  connection: Connection | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  let tail = "\n";
  for await (const chunk of body) {
    connection?.noteActivity();
    const text = decoder.decode(chunk, { stream: true });
    const end = DONE_LINE.exec(tail + text);
    const beforeEnd =
      end === null ? text : `${text.slice(0, Math.max(0, end.index + end[0].length - tail.length))}\n\n`;
    tail = (tail + text).slice(-MAX_TAIL_CHARACTERS);
    parser.feed(beforeEnd);
    const read = events
      .splice(0)
      .flatMap(({ data, event }) => (data.trim() === DONE ? [] : normalizeEvent(data, event, normalizer)));
    if (read.length > 0) yield encoder.encode(read.join(""));
    if (end === null) continue;
    connection?.noteEnd();
    yield encoder.encode(
      [...normalizer.end(true).map((missing) => encodeFrame(missing)), `data: ${DONE}\n\n`].join(""),
    );
    return;
  }
  const missing = normalizer.end(false).map((each) => encodeFrame(each));
  if (missing.length > 0) yield encoder.encode(missing.join(""));
}

function toReadableStream(chunks: AsyncGenerator<Uint8Array, void, undefined>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const next = await chunks.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await chunks.return();
    },
  });
}

function normalizeEvent(data: string, name: string | undefined, normalizer: EventNormalizer): string[] {
  const event = parse(data);
  const read = event === undefined ? undefined : normalizer.read(event);
  return read === undefined ? [] : [encodeFrame(read, name)];
}

function streamWholeAnswer(body: string, normalizer: EventNormalizer, connection: Connection | undefined): string {
  const answer = parse(body);
  // The caller reports a body that is not an answer.
  if (answer === undefined) return body;
  const frames = toStreamEvents(answer).flatMap((event) => {
    const read = normalizer.read(event);
    return read === undefined ? [] : [encodeFrame(read)];
  });
  connection?.noteEnd();
  return [...frames, ...normalizer.end(true).map((missing) => encodeFrame(missing)), `data: ${DONE}\n\n`].join("");
}

function encodeFrame(event: unknown, name?: string): string {
  return `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(event)}\n\n`;
}

/** Undefined unless the text is JSON that can be an event or an answer. */
function parse(text: string): unknown {
  const value = parseJson(text);
  return isObject(value) || Array.isArray(value) ? value : undefined;
}
