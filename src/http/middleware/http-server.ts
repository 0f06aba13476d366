/**
 * Node's server, where it would answer by itself: what never becomes a request is answered with the contract's envelope
 * all the same, and closed; what Node refuses of requests comes to the app, which refuses it as everything else.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Express, RequestHandler } from "express";
import { type ApiError } from "../../lifecycle/errors/api-error.ts";
import {
  expectationFailed,
  headersTooLarge,
  invalidUrl,
  malformedHttp,
  missingHost,
  payloadTooLarge,
  requestTimedOut,
  severalHosts,
  socketsNotSpoken,
} from "../../lifecycle/errors/http.ts";
import { hasBody } from "./read-bytes.ts";
import { API_VERSION, newRequestId } from "./request-log.ts";

/** Node's defaults, which are not to shrink. */
const MIN_HEADERS_TIMEOUT_MS = 60_000;
const MIN_REQUEST_TIMEOUT_MS = 300_000;
/** How long a client may take to notice an answer that came before it had sent everything. */
const LINGER_MS = 2_000;
/** For the clocks of two machines, and for a first request on a connection that was opened in advance. */
const HEADERS_MARGIN_MS = 5_000;

export function createHttpServer(app: Express, keepAliveMs: number): Server {
  const server = createServer({ requireHostHeader: false, ...timeouts(keepAliveMs) }, app);
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
  server.on("checkContinue", (request, response) => {
    awaitingContinue.add(request);
    // A client that was not told to send its body may send it or not: what comes next is not known to be a request.
    response.setHeader("connection", "close");
    server.emit("request", request, response);
  });
  answerConnectionErrors(server);
  return server;
}

/** Requests whose client waits to be told that its body is wanted. */
const awaitingContinue = new WeakSet<IncomingMessage>();

export function sendContinue(request: IncomingMessage, response: ServerResponse): void {
  if (!awaitingContinue.delete(request)) return;
  response.removeHeader("connection");
  response.writeContinue();
}

/**
 * A load balancer keeps idle connections and opens some in advance. It has to be the one that closes them: a request that
 * it sends into a connection that is being closed here is lost, and answered with 502. Node counts the time for headers
 * from the opening of a connection too, so it must not be the shorter one, nor longer than the time for the whole request.
 */
function timeouts(keepAliveMs: number): { keepAliveTimeout: number; headersTimeout: number; requestTimeout: number } {
  const headersTimeout = Math.max(MIN_HEADERS_TIMEOUT_MS, keepAliveMs + HEADERS_MARGIN_MS);
  const requestTimeout = Math.max(MIN_REQUEST_TIMEOUT_MS, headersTimeout);
  return { keepAliveTimeout: keepAliveMs, headersTimeout, requestTimeout };
}

/** What Node would refuse in its own words. */
export const rejectMalformedRequests: RequestHandler = (request, _response, next) => {
  const { httpVersion, headers } = request;
  if (headers.host === undefined && httpVersion === "1.1") throw missingHost();
  if (countHosts(request) > 1) throw severalHosts();
  if (headers.expect !== undefined && !/^100-continue$/i.test(headers.expect)) throw expectationFailed();
  next();
};

/** `headers` has only the first. */
function countHosts({ rawHeaders }: IncomingMessage): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.toLowerCase() === "host") count += 1;
  return count;
}

/** What announces a body that is too large is answered before any of it is read, wherever it goes. */
export function rejectLargeBodies(limitBytes: number): RequestHandler {
  return (request, _response, next) => {
    if (hasBody(request)) lingerBeforeClose(request);
    if (Number(request.headers["content-length"] ?? 0) > limitBytes) throw payloadTooLarge(limitBytes);
    next();
  };
}

/**
 * If a connection is closed while its client still sends, the client is reset, and may never read the answer. So where Node
 * would close it after the answer, it is closed for writing only, and what comes is read and forgotten for a while.
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

/**
 * A handshake for a WebSocket comes as a plain request, because nobody listens to the server's `upgrade`. So do other
 * upgrades (`h2c`, of curl and Java): they are answered by HTTP/1.1, as if they had not asked. HTTP/1.0 has no upgrades.
 */
export const rejectWebSockets: RequestHandler = ({ method, httpVersion, headers }, _response, next) => {
  const protocols = (headers.upgrade ?? "").toLowerCase().split(",");
  const isHandshake = method === "GET" && httpVersion === "1.1";
  if (isHandshake && protocols.some((name) => name.trim() === "websocket")) throw socketsNotSpoken();
  next();
};

function answerConnectionErrors(server: Server): void {
  /** Connections on which an answer is under way: another one would be written into the middle of it. */
  const answering = new WeakMap<Duplex, number>();
  const change = (socket: Duplex, by: number): void => void answering.set(socket, (answering.get(socket) ?? 0) + by);
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    change(socket, 1);
    response.once("close", () => change(socket, -1));
  });
  const refuse = (socket: Duplex, error: ApiError): void => {
    const isBusy = (answering.get(socket) ?? 0) > 0;
    if (!socket.writable || isBusy) socket.destroy();
    else void sendAndClose(socket, error);
  };
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === "ECONNRESET") socket.destroy();
    else refuse(socket, toConnectionError(error));
  });
  server.on("connect", ({ method, url }: IncomingMessage, socket: Duplex) => {
    // From here on Node listens no more.
    socket.on("error", () => socket.destroy());
    refuse(socket, invalidUrl(method ?? "CONNECT", url ?? ""));
  });
}

function toConnectionError({ code }: NodeJS.ErrnoException): ApiError {
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
