/** Server spans of HTTP requests (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). */
import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
  ATTR_USER_AGENT_ORIGINAL,
} from "@opentelemetry/semantic-conventions";
import { channels, type RequestReport } from "../channels.ts";
import { on } from "../subscribe.ts";
import { CURRENT_STEP } from "../trace-context.ts";
import { ATTR_PROJECT, ATTR_RESPONSE_ID } from "./attributes.ts";
import type { Span, SpanOptions } from "./span.ts";
import { readContext } from "./span-context.ts";
import type { SpanSteps } from "./span-step.ts";

const FIRST_ERROR_STATUS = 500;

/** `acceptsContext`: whether a request may continue its client's trace. */
export function traceRequests(steps: SpanSteps, acceptsContext: boolean): void {
  channels.request.start.bindStore(CURRENT_STEP, (report) => {
    const { traceparent, tracestate } = report.headers;
    const parent = acceptsContext ? readContext({ traceparent, tracestate }) : undefined;
    return steps.start(report, { parent }, describeRequest);
  });
  on(channels.request.asyncEnd, (report) => {
    const span = steps.takeSpan(report);
    if (span !== undefined) endRequest(span, report);
  });
}

function describeRequest({ method }: RequestReport): SpanOptions {
  return { name: method, kind: "server" };
}

function endRequest(span: Span, report: RequestReport): void {
  const { method, scheme, path, headers, route, statusCode, project, responseId, isCutOff } = report;
  if (route !== undefined) span.name = `${method} ${route}`;
  if (isCutOff === true) span.addEvent("connection closed before the end of the answer");
  if (statusCode !== undefined && statusCode >= FIRST_ERROR_STATUS) span.fail(String(statusCode));
  span.end({
    [ATTR_HTTP_REQUEST_METHOD]: method,
    [ATTR_URL_SCHEME]: scheme,
    [ATTR_URL_PATH]: path,
    [ATTR_USER_AGENT_ORIGINAL]: headers["user-agent"],
    [ATTR_HTTP_ROUTE]: route,
    [ATTR_HTTP_RESPONSE_STATUS_CODE]: statusCode,
    [ATTR_PROJECT]: project,
    [ATTR_RESPONSE_ID]: responseId,
  });
}
