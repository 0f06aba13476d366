/** What never becomes a request, answered with the contract's envelope all the same, and closed. */
import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type ApiError } from "../lifecycle/errors/api-error.ts";
import { headersTooLarge, malformedHttp, requestTimedOut } from "../lifecycle/errors/http.ts";
import { API_VERSION, newRequestId } from "./request-log.ts";

export function answerClientErrors(server: Server): void {
  /** Connections on which an answer is under way: another one would be written into the middle of it. */
  const answering = new WeakMap<Duplex, number>();
  const change = (socket: Duplex, by: number): void => void answering.set(socket, (answering.get(socket) ?? 0) + by);
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    change(socket, 1);
    response.once("close", () => change(socket, -1));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    const isBusy = (answering.get(socket) ?? 0) > 0;
    if (error.code === "ECONNRESET" || !socket.writable || isBusy) socket.destroy();
    else void sendAndClose(socket, faultOf(error));
  });
}

function faultOf({ code }: NodeJS.ErrnoException): ApiError {
  if (code === "HPE_HEADER_OVERFLOW") return headersTooLarge();
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? requestTimedOut() : malformedHttp();
}

async function sendAndClose(socket: Duplex, error: ApiError): Promise<void> {
  const body = JSON.stringify(error.toEnvelope());
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    "content-type: application/json; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${newRequestId()}`,
    `openai-version: ${API_VERSION}`,
    "openai-processing-ms: 0",
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  await once(socket, "finish").catch(() => {});
  socket.destroy();
}
