/** The events of one connection, as they arrive. */
import { createParser } from "eventsource-parser";
import { ConnectionLostError, FollowError } from "./errors.ts";
import { isReceivedEvent, type ReceivedEvent } from "./json.ts";

/** In characters. The last event of a stream repeats the whole response. */
const MAX_EVENT_SIZE = 256 * 1024 * 1024;

export interface ConnectionOptions {
  signal: AbortSignal;
  /** Time without a byte, be it an event or a heartbeat, after which the connection counts as lost. */
  silenceTimeoutMs: number;
}

/**
 * Ends with the connection. Throws `ConnectionLostError` if it breaks or is silent for too long, `FollowError` if a retry
 * cannot help, and the signal's reason.
 */
export async function* readEventStream(
  answer: Response,
  options: ConnectionOptions,
): AsyncGenerator<ReceivedEvent, void, undefined> {
  const type = answer.headers.get("content-type") ?? "no content type";
  if (!type.includes("text/event-stream") || answer.body === null) {
    await answer.body?.cancel();
    throw new FollowError("no_event_stream", `The server answered ${answer.status} with ${type}, not with events.`);
  }
  const reader: ReadableStreamDefaultReader<Uint8Array> = answer.body.getReader();
  const frames: string[] = [];
  let isTooLarge = false;
  const parser = createParser({
    onEvent: ({ data }) => void frames.push(data),
    onError: ({ type }) => void (isTooLarge ||= type === "max-buffer-size-exceeded"),
    maxBufferSize: MAX_EVENT_SIZE,
  });
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await readChunk(reader, options);
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      if (isTooLarge) throw new FollowError("event_too_large", `An event has more than ${MAX_EVENT_SIZE} characters.`);
      for (const frame of frames.splice(0)) {
        const event = parseEvent(frame);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    // Closes the connection. A connection that is lost cannot report that.
    reader.cancel().catch(() => {});
  }
}

/** Other servers of this API end their streams with `[DONE]`, and may add events of their own. */
function parseEvent(frame: string): ReceivedEvent | undefined {
  if (frame === "[DONE]") return undefined;
  let event: unknown;
  try {
    event = JSON.parse(frame);
  } catch (error) {
    throw new ConnectionLostError("The connection brought an event that is not JSON.", { cause: error });
  }
  return isReceivedEvent(event) ? event : undefined;
}

type Chunk = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

/** The timer runs only while this client waits: a caller may take any time over an event. */
async function readChunk(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { signal, silenceTimeoutMs }: ConnectionOptions,
): Promise<Chunk> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const silent = (): void =>
    reject(new ConnectionLostError(`The connection was silent for ${silenceTimeoutMs / 1000} s.`));
  const timer = setTimeout(silent, silenceTimeoutMs);
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([promise, reader.read()]);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ConnectionLostError) throw error;
    throw new ConnectionLostError("The connection broke.", { cause: error });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
