/** Where a span is in its trace, and how that is read and written (https://www.w3.org/TR/trace-context/). */
import { ROOT_CONTEXT, trace, TraceFlags } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import type { TraceContext } from "../trace-context.ts";

export interface SpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
  /** As in the header; empty if there is none. */
  readonly traceState: string;
  /** Whether another process has the span. */
  readonly isRemote: boolean;
}

const W3C = new W3CTraceContextPropagator();

interface Carrier {
  traceparent?: string | string[] | undefined;
  tracestate?: string | string[] | undefined;
}

const readField = {
  keys: (): string[] => ["traceparent", "tracestate"],
  get: ({ traceparent, tracestate }: Carrier, name: string) => (name === "traceparent" ? traceparent : tracestate),
};

/** Of a client's headers. An invalid context counts as none. */
export function readContext(carrier: Carrier): SpanContext | undefined {
  if (carrier.traceparent === undefined) return undefined;
  const read = trace.getSpanContext(W3C.extract(ROOT_CONTEXT, carrier, readField));
  if (read === undefined) return undefined;
  const { traceId, spanId, traceFlags, traceState } = read;
  const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
  return { traceId, spanId, isSampled, traceState: traceState?.serialize() ?? "", isRemote: true };
}

/** Of this server's own records, which `writeContext` wrote. */
export function readRecordedContext(recorded: TraceContext | undefined): SpanContext | undefined {
  if (recorded === undefined) return undefined;
  const [, traceId = "", spanId = "", flags] = recorded.traceparent.split("-");
  return { traceId, spanId, isSampled: flags === "01", traceState: recorded.tracestate ?? "", isRemote: true };
}

/** The format has one flag that this server sets: whether the span is sampled. */
export function writeContext({ traceId, spanId, isSampled, traceState }: SpanContext): TraceContext {
  const traceparent = `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
  return traceState === "" ? { traceparent } : { traceparent, tracestate: traceState };
}
