/** Spans as steps: the step that runs is the parent of the steps that start within it. */
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  SpanStatusCode,
  type TimeInput,
  trace,
  TraceFlags,
  type Tracer,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { ATTR_ERROR_TYPE } from "@opentelemetry/semantic-conventions";
import type { SpanIds } from "./span-ids.ts";
import { CURRENT_STEP, type TraceContext, type TraceStep } from "../trace-context.ts";

const W3C = new W3CTraceContextPropagator();

interface Carrier {
  traceparent?: string | string[] | undefined;
  tracestate?: string | string[] | undefined;
}

const readField = {
  keys: (): string[] => ["traceparent", "tracestate"],
  get: ({ traceparent, tracestate }: Carrier, name: string) => (name === "traceparent" ? traceparent : tracestate),
};

/** An invalid context counts as none. */
export function readContext(carrier: Carrier | undefined): Context {
  return carrier?.traceparent === undefined ? ROOT_CONTEXT : W3C.extract(ROOT_CONTEXT, carrier, readField);
}

/** The format has one flag that this server sets: whether the span is sampled. */
function writeContext(span: Span): TraceContext {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const traceparent = `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`;
  const tracestate = traceState?.serialize() ?? "";
  return tracestate === "" ? { traceparent } : { traceparent, tracestate };
}

export interface StepOptions extends SpanOptions {
  name: string;
  attributes: Attributes;
  /** The parent; by default the step that runs. */
  parent?: Context | undefined;
  /** Random by default. */
  spanId?: string | undefined;
}

export class SpanStep implements TraceStep {
  readonly span: Span;
  readonly isPropagated: boolean;
  #context: TraceContext | undefined;

  constructor(span: Span, isPropagated: boolean) {
    this.span = span;
    this.isPropagated = isPropagated;
  }

  /** Written when it is first needed: most requests only read. */
  get context(): TraceContext {
    return (this.#context ??= writeContext(this.span));
  }

  /** `errorType` is a code, and never a message: messages may quote prompts and outputs. */
  fail(errorType: string): void {
    this.span.setAttribute(ATTR_ERROR_TYPE, errorType);
    this.span.setStatus({ code: SpanStatusCode.ERROR });
  }

  end(attributes: Attributes, endTime?: TimeInput): void {
    this.span.setAttributes(attributes);
    this.span.end(endTime);
  }
}

export function currentStep(): SpanStep | undefined {
  const step = CURRENT_STEP.getStore();
  return step instanceof SpanStep ? step : undefined;
}

/** Starts steps, and finds each again by its report when it ends. */
export class SpanSteps {
  readonly #tracer: Tracer;
  readonly #ids: SpanIds;
  readonly #isPropagated: boolean;
  readonly #started = new WeakMap<object, SpanStep>();

  constructor(tracer: Tracer, ids: SpanIds, isPropagated: boolean) {
    this.#tracer = tracer;
    this.#ids = ids;
    this.#isPropagated = isPropagated;
  }

  start(report: object, options: StepOptions): SpanStep {
    const step = new SpanStep(this.#startSpan(options), this.#isPropagated);
    this.#started.set(report, step);
    return step;
  }

  /** The step of a report whose work has ended. */
  take(report: object): SpanStep | undefined {
    const step = this.#started.get(report);
    this.#started.delete(report);
    return step;
  }

  /** Adds a span that began and ended in the past, or that takes no time. */
  add(options: StepOptions, end: (step: SpanStep) => void): void {
    end(new SpanStep(this.#startSpan(options), false));
  }

  #startSpan({ name, parent, spanId, ...options }: StepOptions): Span {
    const current = currentStep()?.span;
    const context = parent ?? (current === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, current));
    return this.#ids.using(spanId, () => this.#tracer.startSpan(name, options, context));
  }
}
