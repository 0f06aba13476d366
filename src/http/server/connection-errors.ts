/** Connections that never produce a request. They get the contract's error envelope, and are closed. */
import { once } from "node:events";
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { ApiError } from "../../lifecycle/errors/api-error.ts";
import { headersTooLarge, invalidUrl, malformedHttp, requestTimedOut } from "../../lifecycle/errors/http.ts";
import { hasOwnTimeout } from "../middleware/upload-timeout.ts";
import { API_VERSION, newRequestId } from "../middleware/request-id.ts";

const REQUEST_TIMEOUT = "ERR_HTTP_REQUEST_TIMEOUT";

export function answerConnectionErrors(server: Server): void {
  /** The number of unfinished answers per connection: an error must not be written into the middle of one. */
  const answering = new WeakMap<Duplex, number>();
  const changeCount = (socket: Duplex, by: number): void =>
    void answering.set(socket, (answering.get(socket) ?? 0) + by);
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    changeCount(socket, 1);
    response.once("close", () => changeCount(socket, -1));
  });
  const reject = (socket: Duplex, error: ApiError): void => {
    const isBusy = (answering.get(socket) ?? 0) > 0;
    if (!socket.writable || isBusy) socket.destroy();
    else void sendAndClose(socket, error);
  };
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    // Node reports a request once, and no longer watches its time afterwards.
    if (error.code === REQUEST_TIMEOUT && hasOwnTimeout(socket)) return;
    if (error.code === "ECONNRESET") socket.destroy();
    else reject(socket, toConnectionError(error));
  });
  server.on("connect", ({ method, url }: IncomingMessage, socket: Duplex) => {
    // Node has removed its own listener.
    socket.on("error", () => socket.destroy());
    reject(socket, invalidUrl(method ?? "CONNECT", url ?? ""));
  });
}

function toConnectionError({ code }: NodeJS.ErrnoException): ApiError {
  if (code === "HPE_HEADER_OVERFLOW") return headersTooLarge();
  return code === REQUEST_TIMEOUT ? requestTimedOut() : malformedHttp();
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
