/** Node's HTTP server, set up so that the app or `connection-errors.ts` answers everything Node would answer by itself. */
import { createServer, type Server } from "node:http";
import type { Express } from "express";
import { expectContinue } from "../middleware/expect-continue.ts";
import { answerConnectionErrors } from "./connection-errors.ts";

/** Node's defaults: the timeouts never get shorter. */
const MIN_HEADERS_TIMEOUT_MS = 60_000;
const MIN_REQUEST_TIMEOUT_MS = 300_000;
/** Covers the clocks of two machines, and a first request on a connection that was opened in advance. */
const HEADERS_MARGIN_MS = 5_000;

export function createHttpServer(app: Express, keepAliveMs: number): Server {
  const server = createServer({ requireHostHeader: false, ...timeouts(keepAliveMs) }, app);
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
  server.on("checkContinue", (request, response) => {
    expectContinue(request, response);
    server.emit("request", request, response);
  });
  answerConnectionErrors(server);
  return server;
}

/**
 * A load balancer keeps idle connections and opens some in advance. The load balancer must close them first: a request
 * that it sends while this server closes the connection is lost, and answered with 502. Node also counts the headers
 * timeout from the opening of a connection, so it must be longer than the keep-alive, and not longer than the request's.
 */
function timeouts(keepAliveMs: number): { keepAliveTimeout: number; headersTimeout: number; requestTimeout: number } {
  const headersTimeout = Math.max(MIN_HEADERS_TIMEOUT_MS, keepAliveMs + HEADERS_MARGIN_MS);
  const requestTimeout = Math.max(MIN_REQUEST_TIMEOUT_MS, headersTimeout);
  return { keepAliveTimeout: keepAliveMs, headersTimeout, requestTimeout };
}
