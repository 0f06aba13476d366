/** An answer that follows the log of an admitted response until the response ends or the client disconnects. */
import type { Response as HttpResponse } from "express";
import type { ApiContext } from "../../context.ts";
import { runInterrupted } from "../../lifecycle/errors/server.ts";
import { endFromOutside } from "../../responses/ending/end-from-outside.ts";
import type { FollowEndReason, FrameSink } from "../../stream/fan-out/follower.ts";
import type { FrameEncoder } from "../../stream/fan-out/frame.ts";
import type { LoggedEvent } from "../../stream/log/event-log-reader.ts";
import { whenClosed } from "./event-stream.ts";

export interface FollowOptions {
  responseId: string;
  encode?: FrameEncoder;
  cancelOnDisconnect: boolean;
  /** Whether a client can read the response later. */
  isReadable: boolean;
}

export function followResponse(
  context: ApiContext,
  response: HttpResponse,
  sink: FrameSink,
  { responseId, encode, cancelOnDisconnect, isReadable }: FollowOptions,
): void {
  let hasEnded = false;
  const onEnd = (reason: FollowEndReason): void => void (hasEnded = reason === "terminal");
  const stop = context.hub.follow({ responseId, from: 0, sink, onEnd, ...(encode && { encode }) });
  whenClosed(response, () => {
    stop();
    // While this process drains, a run whose response can be read later continues.
    if (hasEnded || !cancelOnDisconnect || (context.isDraining && isReadable)) return;
    endFromOutside(context.storage, responseId, "cancel").catch((err: unknown) => {
      context.logger.warn({ err, responseId }, "Could not cancel after a disconnect; the run continues to its end");
    });
  });
}

/** A sink that passes only the terminal event, to `answer`. */
export function createTerminalSink(response: HttpResponse, answer: (terminal: LoggedEvent) => void): FrameSink {
  return {
    isResumable: false,
    // No stream, so no heartbeat.
    lastSentMs: Number.POSITIVE_INFINITY,
    heldBytes: 0,
    write: () => true,
    waitUntilDrained: () => Promise.resolve(),
    end: (reason: FollowEndReason, terminal: LoggedEvent | undefined) => {
      if (terminal !== undefined) {
        answer(terminal);
        return;
      }
      const error = runInterrupted(reason);
      response.status(error.status).set(error.headers).json(error.toEnvelope());
    },
  };
}
