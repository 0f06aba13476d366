/**
 * Rejects a body whose announced length is too large before reading any of it, on every route but those that take files:
 * these have a limit of their own.
 */
import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { RequestHandler } from "express";
import { payloadTooLarge } from "../../lifecycle/errors/http.ts";
import { hasBody } from "./read-bytes.ts";
import { refuseBody } from "./refuse-body.ts";

/** Time for a client to read an answer that was sent before its request was complete. */
const LINGER_MS = 2_000;

const FILE_PATHS = /^\/v[15]\/(?:files|uploads\/[^/]+\/parts)\/?$/;

export function rejectLargeBodies(limitBytes: number): RequestHandler {
  return (request, _response, next) => {
    if (hasBody(request)) lingerBeforeClose(request);
    const takesFiles = request.method === "POST" && FILE_PATHS.test(request.path);
    if (!takesFiles && Number(request.headers["content-length"] ?? 0) > limitBytes) {
      throw refuseBody("too_large", payloadTooLarge(limitBytes));
    }
    next();
  };
}

/**
 * If the server closes a connection while the client still sends, the client gets a reset and may never read the answer.
 * So this closes only the writing side of a connection that Node would close, and discards incoming bytes for a while.
 */
function lingerBeforeClose(request: IncomingMessage): void {
  const { socket } = request;
  socket.destroySoon = () => {
    if (request.complete || socket.readableEnded) {
      Socket.prototype.destroySoon.call(socket);
      return;
    }
    socket.end();
    socket.once("end", () => socket.destroy());
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  };
}
