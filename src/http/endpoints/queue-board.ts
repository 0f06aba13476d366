/**
 * `GET /queues/board`: BullMQ's own view of the queues (bull-board), for administrators. It only reads: an action of its
 * would start, move or remove a job without its response.
 */
import { timingSafeEqual } from "node:crypto";
import { type Express, type Request as HttpRequest, type RequestHandler, Router } from "express";
import { hashApiKey } from "../../config/config.ts";
import type { ApiContext } from "../../context.ts";
import { incorrectApiKey, missingApiKey } from "../../lifecycle/errors/access.ts";
import { invalidUrl } from "../../lifecycle/errors/http.ts";

export const QUEUE_BOARD_PATH = "/queues/board";

/** bull-board writes styles into its page, and asks for a font of another origin, which it can do without. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};
/** It would list every connection of Redis. `/v1/organization/workers` has the workers. */
const CLIENT_LIST = /^\/api\/queues\/[^/]+\/workers\/?$/;

export function queueBoard({ config, queue }: ApiContext): Router {
  const router = Router();
  router.use((request, response, next) => {
    const error = findKeyError(config.adminKeys, request);
    if (error !== undefined) {
      // A browser then asks for a user and a password.
      response.set({ "www-authenticate": 'Basic realm="background-responses", charset="UTF-8"' });
      response.status(error.status).json(error.toEnvelope());
      return;
    }
    const isReading = request.method === "GET" || request.method === "HEAD";
    if (!isReading || CLIENT_LIST.test(request.path)) throw invalidUrl(request.method, request.baseUrl + request.path);
    next();
  });
  router.use(showBoard(queue));
  return router;
}

/** Loads bull-board at the first request. */
function showBoard(queue: ApiContext["queue"]): RequestHandler {
  let board: Promise<RequestHandler> | undefined;
  return async (request, response, next) => {
    board ??= openBoard(queue);
    const show = await board;
    response.set(HEADERS);
    show(request, response, next);
  };
}

async function openBoard(queue: ApiContext["queue"]): Promise<RequestHandler> {
  const { ExpressAdapter } = await import("@bull-board/express");
  const adapter = new ExpressAdapter().setBasePath(QUEUE_BOARD_PATH);
  await queue.showOn(adapter);
  const app = adapter.getRouter() as Express;
  app.disable("x-powered-by");
  return app;
}

/** An administrator's key as a bearer, or as the password of any user. */
function findKeyError(adminKeys: ApiContext["config"]["adminKeys"], request: HttpRequest) {
  const key = presentedKey(request.get("authorization") ?? "");
  if (key === undefined) return missingApiKey();
  const presented = hashApiKey(key);
  let isKnown = false;
  // Every key, so that the duration reveals nothing about any of them.
  for (const { hash } of adminKeys) if (timingSafeEqual(hash, presented)) isKnown = true;
  return isKnown ? undefined : incorrectApiKey(key);
}

function presentedKey(authorization: string): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  const basic = /^Basic +(\S+) *$/i.exec(authorization)?.[1];
  if (basic === undefined) return bearer;
  const credentials = Buffer.from(basic, "base64").toString();
  const password = credentials.slice(credentials.indexOf(":") + 1);
  return password === "" ? undefined : password;
}
