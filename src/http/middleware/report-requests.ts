/** Reports each request, except health checks, on its channel (src/telemetry/channels.ts). */
import type { Request as HttpRequest, RequestHandler } from "express";
import { channels } from "../../telemetry/channels.ts";
import type { RequestReport } from "../../telemetry/channels.ts";

export const reportRequests: RequestHandler = (request, response, next) => {
  const { start, asyncEnd } = channels.request;
  if (!channels.request.hasSubscribers) {
    next();
    return;
  }
  const { method, protocol: scheme, path, headers } = request;
  const report: RequestReport = { method, scheme, path, headers };
  response.once("close", () => {
    report.statusCode = response.statusCode;
    report.route = routeOf(request);
    report.project = response.locals.project;
    report.responseId = response.locals.responseId;
    const processingMs = response.getHeader("openai-processing-ms");
    report.processingMs = processingMs === undefined ? undefined : Number(processingMs);
    report.isCutOff = !response.writableFinished;
    asyncEnd.publish(report);
  });
  start.runStores(report, () => next());
};

/** Where all routes of the API are mounted. */
const MOUNT = /^\/v\d+(?=\/|$)/;

/** Undefined if no route matches. Express resets `baseUrl` before it handles an error, but keeps the route. */
function routeOf({ baseUrl, originalUrl, route }: HttpRequest): string | undefined {
  const path: unknown = (route as { path?: unknown } | undefined)?.path;
  if (typeof path !== "string") return undefined;
  return `${baseUrl === "" ? (MOUNT.exec(originalUrl)?.[0] ?? "") : baseUrl}${path}`;
}
