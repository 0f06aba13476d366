/** Authenticates by bearer key (contract.md#error-catalogue, 401), and assigns the request to the key's project. */
import { timingSafeEqual } from "node:crypto";
import type { RequestHandler } from "express";
import { ANONYMOUS_PROJECT, type ApiKey, hashApiKey } from "../../config/config.ts";
import { incorrectApiKey, missingApiKey } from "../../lifecycle/errors/access.ts";

declare global {
  // Express's own way to type `response.locals`.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Locals {
      /** The project that sent the request. */
      project: string;
    }
  }
}

/** Without keys, every request belongs to one anonymous project. `readConfig` then allows only a loopback address. */
export function authenticate(apiKeys: readonly ApiKey[]): RequestHandler {
  return (request, response, next) => {
    response.locals.project =
      apiKeys.length === 0 ? ANONYMOUS_PROJECT : projectOf(apiKeys, request.get("authorization"));
    next();
  };
}

/** Compares every key in constant time, so that the duration reveals nothing about any of them. */
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
