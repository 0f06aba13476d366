/**
 * Normalizes the messages in an HTTP body (normalize-message.ts): one JSON value, or a stream of events. Servers write
 * each event's `data` on one line. An event with several lines passes unchanged.
 */
import { normalizeMessage } from "./normalize-message.ts";

const DATA_LINE = /(^|[\r\n])data:([^\r\n]*)/g;
const EVENT_STREAM_TYPE = /^\s*text\/event-stream\b/i;

export function isEventStream(headers: Headers): boolean {
  return EVENT_STREAM_TYPE.test(headers.get("content-type") ?? "");
}

/** Normalizes one JSON value of any content type: some servers omit it, or name another text type. */
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

/** Undefined if the text is not JSON. */
function normalizeText(text: string, requestId: number | undefined): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    const normalized = Array.isArray(value)
      ? value.map((each: unknown) => normalizeMessage(each))
      : normalizeMessage(value, requestId);
    return JSON.stringify(normalized);
  } catch {
    // JSON that nests too deeply can be parsed, but not written. It passes unchanged.
    return undefined;
  }
}
