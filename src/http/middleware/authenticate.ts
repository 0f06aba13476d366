/** Bearer keys (contract.md#error-catalogue, 401). Each request belongs to one project from here on. */
import { timingSafeEqual } from "node:crypto";
import type { RequestHandler } from "express";
import { ANONYMOUS_PROJECT, type ApiKey, hashApiKey } from "../../config/config.ts";
import { foreignPage, incorrectApiKey, missingApiKey } from "../../lifecycle/errors/access.ts";

declare global {
  // How Express lets an application type `response.locals`.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Locals {
      /** Whose request this is. */
      project: string;
    }
  }
}

const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Without keys, being on this machine is what lets a client in, and every page in a browser is on this machine. So a
 * request must name this machine in `Host` (a rebound DNS name does not) and, if it comes from a page, in `Origin`.
 */
export function rejectForeignOrigins(host: string, allowedOrigins: readonly string[]): RequestHandler {
  const isLocalOnly = LOOPBACK.has(host) || host === "::1";
  // Clients name one host, again and again.
  let last = { name: "", isLocal: false };
  const isLocalName = (name: string): boolean => {
    if (name !== last.name) last = { name, isLocal: isLoopback(`http://${name}`) };
    return last.isLocal;
  };
  return (request, _response, next) => {
    if (isLocalOnly) {
      const origin = request.get("origin");
      const isLocal =
        isLocalName(request.get("host") ?? "") &&
        (origin === undefined || isLoopback(origin) || allowedOrigins.includes(origin));
      if (!isLocal) throw foreignPage();
    }
    next();
  };
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && LOOPBACK.has(new URL(url).hostname);
}

/** Without keys everyone is the one anonymous project; `readConfig` has made sure that only this machine gets here. */
export function authenticate(apiKeys: readonly ApiKey[]): RequestHandler {
  return (request, response, next) => {
    response.locals.project =
      apiKeys.length === 0 ? ANONYMOUS_PROJECT : projectOf(apiKeys, request.get("authorization"));
    next();
  };
}

/** Every key is compared, in constant time: how long it takes tells nothing about any of them. */
function projectOf(apiKeys: readonly ApiKey[], authorization: string | undefined): string {
  const key = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
  if (key === undefined) throw missingApiKey();
  const presented = hashApiKey(key);
  let project: string | undefined;
  for (const known of apiKeys) {
    if (timingSafeEqual(known.hash, presented)) project = known.project;
  }
  if (project === undefined) throw incorrectApiKey(key);
  return project;
}
