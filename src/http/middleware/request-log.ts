/**
 * One log line per request, except health checks. Written by hand because the libraries create a child logger per
 * request, which costs more than a tenth of the time it takes to accept one.
 */
import type { RequestHandler } from "express";
import type { Logger } from "pino";
import { malformedClientRequestId } from "../../lifecycle/errors/http.ts";
import { CURRENT_STEP } from "../../telemetry/trace-context.ts";

declare global {
  // Express's own way to type `response.locals`.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Locals {
      /** The response that this request created, replayed or names: the log line links its id to the request's. */
      responseId?: string;
      /** The code of the error that answers the request: it says which of many causes a status has. */
      errorCode?: string;
    }
  }
}

/** The hosted API's rule for `X-Client-Request-Id`. The id is logged and not answered. */
export const CLIENT_ID = /^[\x20-\x7e]{0,512}$/;

/**
 * Logs who asked for what: other headers and bodies may contain secrets. Behind a proxy, the setting TRUSTED_PROXIES finds the
 * client; otherwise `isBehindProxy` is false, and no header is read for it.
 */
export function logRequests(logger: Logger, isBehindProxy: boolean): RequestHandler {
  return (request, response, next) => {
    const clientRequestId = request.get("x-client-request-id");
    const isValid = clientRequestId === undefined || CLIENT_ID.test(clientRequestId);
    if (!logger.isLevelEnabled("info")) {
      if (!isValid) throw malformedClientRequestId();
      next();
      return;
    }
    const startedMs = performance.now();
    const requestId = response.getHeader("x-request-id");
    // A closed socket has no address.
    const clientAddress = isBehindProxy ? request.ip : request.socket.remoteAddress;
    const log = (): void => {
      const line = {
        requestId,
        ...(isValid && clientRequestId !== undefined && { clientRequestId }),
        ...callerOf(response.locals),
        ...(response.locals.responseId !== undefined && { responseId: response.locals.responseId }),
        clientAddress,
        method: request.method,
        url: request.originalUrl,
        status: response.statusCode,
        ...(response.locals.errorCode !== undefined && { code: response.locals.errorCode }),
        durationMs: Math.round(performance.now() - startedMs),
      };
      logger.info(line, response.writableFinished ? "Request answered" : "Request cut off");
    };
    // So that the line gets the ids of the request's span. Binding a function to the context costs as much as the span.
    const step = CURRENT_STEP.getStore();
    response.once("close", step === undefined ? log : () => CURRENT_STEP.run(step, log));
    if (!isValid) throw malformedClientRequestId();
    next();
  };
}

/** An admin may act in a project, or in none. A rejected request has no caller. */
function callerOf({ project, isAdmin, actor }: Partial<Express.Locals>): { project?: string; admin?: string } {
  return {
    ...(project !== undefined && project !== "" && { project }),
    ...(isAdmin === true && actor !== undefined && { admin: actor.name }),
  };
}
