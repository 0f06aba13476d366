/**
 * A provider's answer as a stream of events, whatever it came as: between the network and the SDKs, which give up at the
 * first event that they cannot read.
 *
 *   - Every byte is a sign of life, also of comments and of events that say nothing (OpenRouter, DeepSeek, llama.cpp).
 *   - `[DONE]` ends the stream. Some servers keep the connection open after it, or send more.
 *   - What is no JSON is left out: gateways make events of their providers' comments
 *     (https://github.com/mnfst/llm-gateway/issues/2053).
 *   - An answer in one piece, where a stream was asked for, becomes one (whole-answer.ts).
 */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { getCurrentConnection, type Connection } from "./connection.ts";
import { isObject } from "./json.ts";
import { toStreamEvents } from "./unstreamed-answer.ts";

type Fetch = typeof globalThis.fetch;

const DONE = "[DONE]";

/** Puts the events of one stream right. */
export interface EventNormalizer {
  /** Undefined if the event is to be left out. */
  read(event: unknown): unknown;
  /** What is missing at the end; `isDone` if the provider has said that it is the end. */
  end(isDone: boolean): unknown[];
}

export const NO_NORMALIZER: EventNormalizer = { read: (event) => event, end: () => [] };

export function withEventStream(send: Fetch, openMender: () => EventNormalizer = () => NO_NORMALIZER): Fetch {
  return async (url, init) => {
    const connection = getCurrentConnection();
    const response = await send(url, init);
    if (!response.ok || response.body === null || !asksForStream(url, init)) return response;
    const isStream = response.headers.get("content-type")?.includes("event-stream") === true;
    const body = isStream
      ? toReadableStream(normalizeStream(response.body, openMender(), connection))
      : streamWholeAnswer(await response.text(), openMender(), connection);
    const headers = new Headers({ ...Object.fromEntries(response.headers), "content-type": "text/event-stream" });
    return new Response(body, { status: response.status, statusText: response.statusText, headers });
  };
}

function asksForStream(url: Parameters<Fetch>[0], init: RequestInit | undefined): boolean {
  // What is read of a response that runs by itself may be the response as it stands: not an answer, and not for here.
  if (init?.method?.toUpperCase() !== "POST") return false;
  const address = url instanceof Request ? url.url : url.toString();
  if (/[?&]alt=sse\b/.test(address)) return true;
  return typeof init?.body === "string" && /"stream": ?true/.test(init.body);
}

/** Also without the blank line behind it, which not all servers send. */
const DONE_LINE = /[\r\n]data: ?\[DONE\]/;
/** An end that is cut in two is found by what is kept of its first part. */
const KEPT_CHARACTERS = "\ndata: [DONE]".length - 1;

/** Not by `pipeThrough`: a stream that breaks would lose what had come before. */
async function* normalizeStream(
  body: AsyncIterable<Uint8Array>,
  mender: EventNormalizer,
  connection: Connection | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  let kept = "\n";
  for await (const chunk of body) {
    connection?.noteActivity();
    const text = decoder.decode(chunk, { stream: true });
    const end = DONE_LINE.exec(kept + text);
    const own = end === null ? text : `${text.slice(0, Math.max(0, end.index + end[0].length - kept.length))}\n\n`;
    kept = (kept + text).slice(-KEPT_CHARACTERS);
    parser.feed(own);
    const read = events
      .splice(0)
      .flatMap(({ data, event }) => (data.trim() === DONE ? [] : normalizeEvent(data, event, mender)));
    if (read.length > 0) yield encoder.encode(read.join(""));
    if (end === null) continue;
    connection?.noteEnd();
    yield encoder.encode([...mender.end(true).map((missing) => encodeFrame(missing)), `data: ${DONE}\n\n`].join(""));
    return;
  }
  const missing = mender.end(false).map((each) => encodeFrame(each));
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

function normalizeEvent(data: string, name: string | undefined, mender: EventNormalizer): string[] {
  const event = parse(data);
  const read = event === undefined ? undefined : mender.read(event);
  return read === undefined ? [] : [encodeFrame(read, name)];
}

function streamWholeAnswer(body: string, mender: EventNormalizer, connection: Connection | undefined): string {
  const answer = parse(body);
  // Not for this file to judge: what asked for it says that it is no answer.
  if (answer === undefined) return body;
  const frames = toStreamEvents(answer).flatMap((event) => {
    const read = mender.read(event);
    return read === undefined ? [] : [encodeFrame(read)];
  });
  connection?.noteEnd();
  return [...frames, ...mender.end(true).map((missing) => encodeFrame(missing)), `data: ${DONE}\n\n`].join("");
}

function encodeFrame(event: unknown, name?: string): string {
  return `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(event)}\n\n`;
}

/** Undefined if it is no JSON that an event or an answer could be. */
function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) || Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
