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
  type Tracer,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { ATTR_ERROR_TYPE } from "@opentelemetry/semantic-conventions";
import type { IncomingHttpHeaders } from "node:http";
import type { SpanIds } from "./span-ids.ts";
import { CURRENT_STEP, type TraceContext, type TraceStep } from "../trace-context.ts";

const W3C = new W3CTraceContextPropagator();

type Carrier = Record<string, string | string[] | undefined>;
const readField = {
  keys: (carrier: Carrier) => Object.keys(carrier),
  get: (carrier: Carrier, key: string) => carrier[key],
};
const writeField = {
  set: (carrier: Record<string, string>, key: string, value: string) => void (carrier[key] = value),
};

/** An invalid context counts as none. */
export function readContext(carrier: TraceContext | IncomingHttpHeaders | undefined): Context {
  return W3C.extract(ROOT_CONTEXT, { ...carrier }, readField);
}

function writeContext(span: Span): TraceContext {
  const carrier: Record<string, string> = {};
  W3C.inject(trace.setSpan(ROOT_CONTEXT, span), carrier, writeField);
  const { traceparent = "", tracestate = "" } = carrier;
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

  find(report: object): SpanStep | undefined {
    return this.#started.get(report);
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
