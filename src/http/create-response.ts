/**
 * `POST /responses`, in its four modes. All of them are one path: the response is admitted as a job and read from its
 * log; they differ only in who waits for what. A foreground client that goes away cancels its run; a background client
 * never does (contract 00, row 12).
 */
import type { RequestHandler, Response as HttpResponse } from "express";
import { type LoggedEvent } from "../stream/event-log.ts";
import { obfuscatedFrames } from "../stream/frame.ts";
import type { EndReason, FrameSink } from "../stream/stream-hub.ts";
import { type Admitted, admitResponse } from "../responses/admit-response.ts";
import { endResponse } from "../responses/end-response.ts";
import { responseJsonOf } from "../responses/read-response.ts";
import type { ApiContext } from "../context.ts";
import { ApiError } from "../lifecycle/errors.ts";
import { openEventStream } from "./sse.ts";
import { parseCreateRequest } from "./validate.ts";

export function createResponse(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const body = parseCreateRequest(request.body, context.catalog);
    const admitted = await admitResponse(context.storage, context.limits, {
      project: response.locals.project,
      request: body,
      idempotencyKey: request.get("idempotency-key"),
    });
    const headers: Record<string, string> = admitted.isReplay ? { "idempotent-replayed": "true" } : {};
    // Whoever sends a request again only watches the run of whoever sent it first.
    const cancelOnDisconnect = body.background !== true && !admitted.isReplay;
    if (body.stream === true) {
      const sink = openEventStream(response, headers);
      const encode = body.stream_options?.include_obfuscation === true ? obfuscatedFrames(admitted.id) : undefined;
      follow(context, admitted, response, sink, { encode, cancelOnDisconnect });
    } else if (body.background === true) {
      sendResponseJson(response.set(headers), admitted.json);
    } else {
      follow(context, admitted, response, waitForEnd(response.set(headers)), { cancelOnDisconnect });
    }
  };
}

export function sendResponseJson(response: HttpResponse, json: string): void {
  response.type("application/json").send(json);
}

interface FollowSettings {
  encode?: ReturnType<typeof obfuscatedFrames> | undefined;
  cancelOnDisconnect: boolean;
}

function follow(
  context: ApiContext,
  admitted: Admitted,
  response: HttpResponse,
  sink: FrameSink,
  { encode, cancelOnDisconnect }: FollowSettings,
): void {
  const stop = context.hub.follow({ responseId: admitted.id, from: 0, sink, ...(encode && { encode }) });
  response.once("close", () => {
    stop();
    const clientLeft = !response.writableFinished && !context.isDraining;
    if (clientLeft && cancelOnDisconnect) {
      endResponse(context.storage, admitted.id, "cancel").catch((err: unknown) => {
        context.logger.warn(
          { err, responseId: admitted.id },
          "Could not cancel after a disconnect; it runs to its end",
        );
      });
    }
  });
}

/** A sink that lets events pass and answers with the final response. */
function waitForEnd(response: HttpResponse): FrameSink {
  return {
    isResumable: false,
    write: () => true,
    drained: () => Promise.resolve(),
    end: (reason: EndReason, terminal: LoggedEvent | undefined) => {
      if (terminal !== undefined) {
        sendResponseJson(response, responseJsonOf(terminal));
        return;
      }
      const error = interrupted(reason);
      response.status(error.status).set(error.headers).json(error.toEnvelope());
    },
  };
}

/** The run goes on without this process. Sending the request again would start a second one. */
function interrupted(reason: EndReason): ApiError {
  return new ApiError({
    status: 503,
    message: `The connection to the run was interrupted (${reason}). Retrieve the response by its id if it was stored.`,
    type: "server_error",
    code: "service_unavailable",
    headers: { "x-should-retry": "false" },
  });
}
