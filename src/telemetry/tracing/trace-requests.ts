/** Server spans of HTTP requests (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). */
import { ROOT_CONTEXT, SpanKind } from "@opentelemetry/api";
import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
  ATTR_USER_AGENT_ORIGINAL,
} from "@opentelemetry/semantic-conventions";
import { channels, type RequestReport } from "../channels.ts";
import { CURRENT_STEP } from "../trace-context.ts";
import { ATTR_PROJECT, ATTR_RESPONSE_ID, definedAttributes } from "./attributes.ts";
import { readContext, type SpanStep, type SpanSteps } from "./span-step.ts";

const FIRST_ERROR_STATUS = 500;

/** `acceptsContext`: whether a request may continue its client's trace. */
export function traceRequests(steps: SpanSteps, acceptsContext: boolean): void {
  channels.request.start.bindStore(CURRENT_STEP, (report) => startRequest(steps, report, acceptsContext));
  channels.request.asyncEnd.subscribe((message) => {
    const report = message as RequestReport;
    const step = steps.take(report);
    if (step !== undefined) endRequest(step, report);
  });
}

function startRequest(steps: SpanSteps, report: RequestReport, acceptsContext: boolean): SpanStep {
  const { method, scheme, path, headers } = report;
  const { traceparent, tracestate } = headers;
  return steps.start(report, {
    name: method,
    kind: SpanKind.SERVER,
    parent: acceptsContext ? readContext({ traceparent, tracestate }) : ROOT_CONTEXT,
    attributes: definedAttributes({
      [ATTR_HTTP_REQUEST_METHOD]: method,
      [ATTR_URL_SCHEME]: scheme,
      [ATTR_URL_PATH]: path,
      [ATTR_USER_AGENT_ORIGINAL]: headers["user-agent"],
    }),
  });
}

function endRequest(step: SpanStep, { method, route, statusCode, project, responseId, isCutOff }: RequestReport): void {
  if (route !== undefined) step.span.updateName(`${method} ${route}`);
  if (isCutOff === true) step.span.addEvent("connection closed before the end of the answer");
  const attributes = definedAttributes({
    [ATTR_HTTP_ROUTE]: route,
    [ATTR_HTTP_RESPONSE_STATUS_CODE]: statusCode,
    [ATTR_PROJECT]: project,
    [ATTR_RESPONSE_ID]: responseId,
  });
  if (statusCode !== undefined && statusCode >= FIRST_ERROR_STATUS) step.fail(String(statusCode));
  step.end(attributes);
}
