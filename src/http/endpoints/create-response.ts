/**
 * `POST /responses`, in its four modes. All of them are one path: the response is admitted as a job and read from its
 * log; they differ only in who waits for what. A foreground client that goes away cancels its run; a background client
 * never does (contract.md#disconnects).
 */
import type { RequestHandler, Response as HttpResponse } from "express";
import type { LoggedEvent } from "../../stream/log/event-log-reader.ts";
import { type FrameEncoder, createObfuscatingEncoder } from "../../stream/fan-out/frame.ts";
import type { FollowEndReason, FrameSink } from "../../stream/fan-out/follower.ts";
import { type AdmittedResponse, admitResponse } from "../../responses/admission/admit-response.ts";
import { endResponse } from "../../responses/ending/end-response.ts";
import { extractResponseJson } from "../../responses/reading/read-response.ts";
import type { ApiContext } from "../../context.ts";
import { runInterrupted } from "../../lifecycle/errors/server.ts";
import { findFirstUnavailableTool as findUnavailableTool } from "../../providers/unavailable-tools.ts";
import type { ResolvedRequest } from "../../protocol/create-request.ts";
import { openEventStream, acquireStream, whenClosed } from "../replies/event-stream.ts";
import { UnknownParameters } from "../validation/unknown-parameters.ts";
import { parseCreateRequestInSlices } from "../validation/validate.ts";

const LARGE_CHARACTERS = 1024 * 1024;

export function createResponse(context: ApiContext): RequestHandler {
  const unavailableTool = ({ model, tools }: ResolvedRequest) => {
    const resolved = context.catalog.resolve(model);
    return resolved && findUnavailableTool(tools ?? [], resolved, context.config);
  };
  return async (request, response) => {
    const unknown = new UnknownParameters(context.config.UNKNOWN_PARAMETERS);
    const body = await parseCreateRequestInSlices(request.body, context.catalog, { unknown, prompts: context.prompts });
    unknown.setHeader(response);
    // Before anything is made: a run whose stream is refused would be paid for and not seen.
    if (body.stream === true) acquireStream(context.streamLimiter, response);
    const idempotencyKey = request.get("idempotency-key") || undefined;
    const { project, rateLimitPermit: allowance } = response.locals;
    const { limits, prompts } = context;
    const admission = { project, request: body, idempotencyKey, prompts, unavailableTool, allowance };
    const admitted = await admitResponse(context, limits, admission);
    response.locals.responseId = admitted.id;
    if (admitted.isReplay) await reportReplay(response);
    const isBackground = body.background === true;
    if (isBackground && body.stream !== true) {
      sendResponseJson(response, admitted.json);
      return;
    }
    // With a key, a client that was cut off comes back for the same run.
    const cancelOnDisconnect = !isBackground && idempotencyKey === undefined;
    const following: FollowResponseOptions = {
      admitted,
      cancelOnDisconnect,
      isReadable: isBackground || body.store !== false,
    };
    if (body.stream === true) {
      const { STREAM_STALL_TIMEOUT_MS: stallTimeoutMs } = context.config;
      const isObfuscated = body.stream_options?.include_obfuscation === true;
      const sink = openEventStream(response, { isResumable: isBackground, stallTimeoutMs });
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

/** An earlier request has made it, and was counted for it. */
export async function reportReplay(response: HttpResponse): Promise<void> {
  response.set("idempotent-replayed", "true");
  await response.locals.rateLimitPermit.report();
}

/** As `response.json` does, of what is JSON already, without looking for what this server never sets (ETag, charset). */
export function sendResponseJson(response: HttpResponse, json: string): void {
  // Of a long string the socket would set aside three times as many bytes as it has characters.
  const body = json.length > LARGE_CHARACTERS ? Buffer.from(json) : json;
  response.setHeader("content-type", "application/json; charset=utf-8");
  response.setHeader("content-length", Buffer.byteLength(body));
  response.end(body);
}

interface FollowResponseOptions {
  admitted: AdmittedResponse;
  encode?: FrameEncoder;
  cancelOnDisconnect: boolean;
  /** Whether anyone could read the response later. */
  isReadable: boolean;
}

export function followResponse(
  context: ApiContext,
  response: HttpResponse,
  sink: FrameSink,
  following: FollowResponseOptions,
): void {
  const { admitted, encode, cancelOnDisconnect, isReadable } = following;
  let hasEnded = false;
  const onEnd = (reason: FollowEndReason): void => void (hasEnded = reason === "terminal");
  const stop = context.hub.follow({ responseId: admitted.id, from: 0, sink, onEnd, ...(encode && { encode }) });
  whenClosed(response, () => {
    stop();
    // A process that goes away leaves a run to be read later, if it can be.
    if (hasEnded || !cancelOnDisconnect || (context.isDraining && isReadable)) return;
    endResponse(context.storage, admitted.id, "cancel").catch((err: unknown) => {
      context.logger.warn({ err, responseId: admitted.id }, "Could not cancel after a disconnect; it runs to its end");
    });
  });
}

/** A sink that lets events pass and gives the terminal one to `answer`. */
export function createTerminalSink(response: HttpResponse, answer: (terminal: LoggedEvent) => void): FrameSink {
  return {
    isResumable: false,
    // It has no stream that could be silent.
    lastSentMs: Number.POSITIVE_INFINITY,
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
