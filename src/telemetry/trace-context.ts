/**
 * The trace context of the work that runs now, in the format of https://www.w3.org/TR/trace-context/. Only tracing
 * (tracing/open-tracing.ts) sets it; without tracing there is none, and no header of a client is passed on.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** Valid and bounded: 55 characters, and 512. */
export interface TraceContext {
  traceparent: string;
  tracestate?: string | undefined;
}

interface TraceFields {
  traceparent?: string | undefined;
  tracestate?: string | undefined;
}

/** The fields of a record. Undefined if nothing traced the request that created it. */
export function toTraceContext({ traceparent, tracestate }: TraceFields): TraceContext | undefined {
  return traceparent === undefined ? undefined : { traceparent, tracestate };
}

/** A step of a trace: a request, an attempt, a model call, a tool call. */
export interface TraceStep {
  /** What continues the trace after this step. */
  readonly context: TraceContext;
  /** Whether other servers get the context. */
  readonly isPropagated: boolean;
}

export const CURRENT_STEP = new AsyncLocalStorage<TraceStep>();

/** For this server's own records. */
export function currentTraceContext(): TraceContext | undefined {
  return CURRENT_STEP.getStore()?.context;
}

/**
 * Fields that link a log line to its span, by the names of
 * https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/. None without tracing.
 */
export function traceFields(): { trace_id?: string | undefined; span_id?: string | undefined } {
  const context = currentTraceContext();
  if (context === undefined) return {};
  const [, trace_id, span_id] = context.traceparent.split("-");
  return { trace_id, span_id };
}

/** For requests to other servers. Undefined without tracing, and if the operator turned propagation off. */
export function propagatedTraceContext(): TraceContext | undefined {
  const step = CURRENT_STEP.getStore();
  return step?.isPropagated === true ? step.context : undefined;
}

type Fetch<Url> = (url: Url, init?: RequestInit) => Promise<Response>;

/**
 * Adds the trace context to requests. Only for servers that the operator or the request chose: providers, search engines
 * and MCP servers, and not for pages that a model opens.
 */
export function withTraceContext<Url>(fetch: Fetch<Url>): Fetch<Url> {
  return (url, init) => {
    const context = propagatedTraceContext();
    if (context === undefined) return fetch(url, init);
    const headers = new Headers(init?.headers);
    headers.set("traceparent", context.traceparent);
    if (context.tracestate !== undefined) headers.set("tracestate", context.tracestate);
    return fetch(url, { ...init, headers });
  };
}
