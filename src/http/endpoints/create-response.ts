/**
 * `POST /responses`. Its four modes share one path: admission enqueues the response as a job, and the answer comes from
 * its log. If a foreground client disconnects, its run is cancelled; a background run continues (contract.md#disconnects).
 */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../context.ts";
import { extractResponseJson } from "../../responses/reading/read-response.ts";
import { createObfuscatingEncoder } from "../../stream/fan-out/frame.ts";
import type { LoggedEvent } from "../../stream/log/event-log-reader.ts";
import { admitRequest, readIdempotencyKey } from "../replies/admit-request.ts";
import { acquireStream, openEventStream } from "../replies/event-stream.ts";
import { createTerminalSink, type FollowOptions, followResponse } from "../replies/follow.ts";
import { sendResponseJson } from "../replies/send-json.ts";
import { parseCreateRequestInSlices } from "../validation/create-request.ts";
import { UnknownParameters } from "../validation/unknown-parameters.ts";

export function createResponse(context: ApiContext): RequestHandler {
  const { catalog, config, prompts } = context;
  return async (request, response) => {
    const unknown = new UnknownParameters(config.UNKNOWN_PARAMETERS);
    const body = await parseCreateRequestInSlices(request.body, catalog, { unknown, prompts });
    unknown.setHeader(response);
    // Before admission: a client would pay for a run whose stream is then rejected.
    if (body.stream === true) acquireStream(context.streamLimiter, response);
    const idempotencyKey = readIdempotencyKey(request);
    const admitted = await admitRequest(context, response, { request: body, idempotencyKey });
    const isBackground = body.background === true;
    if (isBackground && body.stream !== true) {
      sendResponseJson(response, admitted.json);
      return;
    }
    const following: FollowOptions = {
      responseId: admitted.id,
      // A client that sent a key can return to the same run.
      cancelOnDisconnect: !isBackground && idempotencyKey === undefined,
      isReadable: isBackground || body.store !== false,
    };
    if (body.stream === true) {
      const isObfuscated = body.stream_options?.include_obfuscation === true;
      const sink = openEventStream(response, {
        isResumable: isBackground,
        stallTimeoutMs: config.STREAM_STALL_TIMEOUT_MS,
      });
      followResponse(context, response, sink, {
        ...following,
        ...(isObfuscated && { encode: createObfuscatingEncoder(admitted.id) }),
      });
    } else {
      const send = (terminal: LoggedEvent) => sendResponseJson(response, extractResponseJson(terminal));
      followResponse(context, response, createTerminalSink(response, send), following);
    }
  };
}
