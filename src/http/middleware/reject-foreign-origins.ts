/**
 * Protects a server without keys. Such a server answers only its own machine, but every page in a browser also runs
 * there. So `Host` must name this machine (a rebound DNS name does not), and so must the `Origin` that a page sends.
 */
import type { RequestHandler } from "express";
import { foreignPage } from "../../lifecycle/errors/access.ts";

const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

export function rejectForeignOrigins(host: string, allowedOrigins: readonly string[]): RequestHandler {
  if (!LOOPBACK.has(host) && host !== "::1") return (_request, _response, next) => next();
  // Clients keep naming the same host, so the last result is cached.
  let last = { name: "", isLocal: false };
  const isLocalName = (name: string): boolean => {
    if (name !== last.name) last = { name, isLocal: isLoopback(`http://${name}`) };
    return last.isLocal;
  };
  return (request, _response, next) => {
    const origin = request.get("origin");
    const isLocal =
      isLocalName(request.get("host") ?? "") &&
      (origin === undefined || isLoopback(origin) || allowedOrigins.includes(origin));
    if (!isLocal) throw foreignPage();
    next();
  };
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && LOOPBACK.has(new URL(url).hostname);
}
