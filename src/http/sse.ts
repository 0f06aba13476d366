/** A response as an event stream (design: headers that no proxy buffers or rewrites, one comment at once). */
import { once } from "node:events";
import type { Response as HttpResponse } from "express";
import { type LoggedEvent } from "../stream/event-log.ts";
import { HEARTBEAT_FRAME } from "../stream/frame.ts";
import type { EndReason, FrameSink } from "../stream/follower.ts";

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
  connection: "keep-alive",
};

/** Calls back once the connection is closed, also if it was closed already: a client may leave during an await. */
export function whenClosed(response: HttpResponse, callback: () => void): void {
  if (response.destroyed || response.closed) callback();
  else response.once("close", callback);
}

export interface EventStreamOptions {
  /** See FrameSink. */
  isResumable: boolean;
}

export function openEventStream(response: HttpResponse, { isResumable }: EventStreamOptions): FrameSink {
  response.status(200).set(HEADERS);
  response.flushHeaders();
  response.socket?.setNoDelay(true);
  response.write(HEARTBEAT_FRAME);
  return {
    isResumable,
    write: (frames) => response.write(frames),
    drained: async () => {
      // It may have drained before anyone asked.
      if (!response.writableNeedDrain || response.destroyed) return;
      const settled = new AbortController();
      const { signal } = settled;
      await Promise.race([once(response, "drain", { signal }), once(response, "close", { signal })]).finally(() =>
        settled.abort(),
      );
    },
    end: (reason: EndReason, _terminal: LoggedEvent | undefined) => {
      // A connection that takes nothing would keep what it was given for ever: it is cut, not ended.
      if (reason === "stalled") response.destroy();
      else response.end();
    },
  };
}
