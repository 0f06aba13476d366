/**
 * The body of an answer over HTTP, each of its messages made sound (sound-message.ts): one JSON value, or a stream of events.
 * An event's `data` is a line as every server writes it; one of several lines passes as it is.
 */
import { normalizeMessage } from "./normalize-message.ts";

const DATA_LINE = /(^|[\r\n])data:([^\r\n]*)/g;
const EVENT_STREAM_TYPE = /^\s*text\/event-stream\b/i;

export function isEventStream(headers: Headers): boolean {
  return EVENT_STREAM_TYPE.test(headers.get("content-type") ?? "");
}

/** Of an answer that is one JSON value, whatever its label says: servers leave it out, or name another type of text. */
export async function normalizeJson(response: Response, requestId: number | undefined): Promise<Response> {
  const text = await response.text();
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  const json = normalizeText(text, requestId);
  if (json !== undefined) headers.set("content-type", "application/json");
  return new Response(json ?? text, { status, statusText, headers });
}

export function normalizeEventStream(requestId: number | undefined): ReadableWritablePair<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let line = "";
  const rewrite = (text: string): string =>
    text.replaceAll(DATA_LINE, (whole, before: string, data: string) => {
      const json = normalizeText(data, requestId);
      return json === undefined ? whole : `${before}data: ${json}`;
    });
  return new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      const text = decoder.decode(chunk, { stream: true });
      const end = Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r")) + 1;
      if (end === 0) {
        line += text;
        return;
      }
      controller.enqueue(encoder.encode(rewrite(line + text.slice(0, end))));
      line = text.slice(end);
    },
    flush: (controller) => controller.enqueue(encoder.encode(rewrite(line + decoder.decode()))),
  });
}

/** Undefined for what is no JSON. */
function normalizeText(text: string, requestId: number | undefined): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    const sound = Array.isArray(value)
      ? value.map((each: unknown) => normalizeMessage(each))
      : normalizeMessage(value, requestId);
    return JSON.stringify(sound);
  } catch {
    // Deeply nested JSON is read and not written: what it is in is left to the reader.
    return undefined;
  }
}
