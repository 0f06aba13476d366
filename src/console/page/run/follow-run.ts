/**
 * Follows a run by its public stream and resumes after a broken connection, as any client does: it sends the number of
 * the last event that it has.
 */
import { createParser } from "eventsource-parser";
import type { ResponseStreamEvent } from "../../../protocol/event.ts";
import { ApiError, messageOf, query, send } from "../api/requests.ts";

export type Connection =
  | { state: "connecting" }
  | { state: "live" }
  | { state: "waiting"; reason: string }
  | { state: "over" }
  | { state: "refused"; error: ApiError };

export interface Follower {
  /** Sequence number of the last event it has; -1 without one. */
  readonly last: number;
  readonly isOver: boolean;
  /** Resolves when it can take more. */
  take: (events: readonly ResponseStreamEvent[]) => Promise<void>;
  show: (connection: Connection) => void;
}

/** The server sends a comment at least every 15 s. */
const SILENCE_MS = 40_000;
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;
/** Parts of items that a client has to ask for. */
const INCLUDE = ["web_search_call.action.sources", "code_interpreter_call.outputs", "file_search_call.results"];

/** Resolves when the run is over, the server refuses the stream, or the signal aborts. */
export async function followRun(id: string, follower: Follower, signal: AbortSignal): Promise<void> {
  let delayMs = FIRST_DELAY_MS;
  while (!signal.aborted && !follower.isOver) {
    const before = follower.last;
    follower.show({ state: "connecting" });
    let reason = "The connection was lost.";
    try {
      await readStream(id, follower, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && !isRetryable(error)) {
        follower.show({ state: "refused", error });
        return;
      }
      reason = messageOf(error);
    }
    if (signal.aborted || follower.isOver) break;
    delayMs = follower.last > before ? FIRST_DELAY_MS : Math.min(delayMs * 2, MAX_DELAY_MS);
    follower.show({ state: "waiting", reason });
    await waitToReconnect(delayMs, signal);
  }
  if (follower.isOver) follower.show({ state: "over" });
}

function isRetryable({ status }: ApiError): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

async function readStream(id: string, follower: Follower, outer: AbortSignal): Promise<void> {
  const silence = new AbortController();
  const abortSilent = (): void => silence.abort(new DOMException("The stream was silent.", "TimeoutError"));
  let timer = setTimeout(abortSilent, SILENCE_MS);
  const signal = AbortSignal.any([outer, silence.signal]);
  const after = follower.last >= 0 ? follower.last : undefined;
  try {
    const path = `responses/${encodeURIComponent(id)}${query({ stream: "true", starting_after: after, include: INCLUDE })}`;
    const answer = await send("GET", path, { signal });
    follower.show({ state: "live" });
    let events: ResponseStreamEvent[] = [];
    const parser = createParser({ onEvent: ({ data }) => void events.push(JSON.parse(data)) });
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(abortSilent, SILENCE_MS);
      parser.feed(value);
      if (events.length > 0) await follower.take(events);
      events = [];
      if (follower.isOver) return;
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** Returns at once when the browser is online again. */
async function waitToReconnect(delayMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  const timer = setTimeout(done, delayMs * (0.75 + Math.random() / 2));
  signal.addEventListener("abort", done, { once: true });
  window.addEventListener("online", done, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", done);
  window.removeEventListener("online", done);
}
