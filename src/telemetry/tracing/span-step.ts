/** Spans as steps: the step that runs is the parent of the steps that start within it. */
import { CURRENT_STEP, type TraceContext, type TraceStep } from "../trace-context.ts";
import type { Sampler } from "./sampler.ts";
import { Span, type SpanOptions } from "./span.ts";
import { type SpanContext, writeContext } from "./span-context.ts";
import { createSpanId, createTraceId } from "./span-ids.ts";

export interface StepPlace {
  /** Undefined for the root of a trace. */
  parent: SpanContext | undefined;
  /** Random by default. */
  spanId?: string | undefined;
}

export class SpanStep implements TraceStep {
  readonly place: SpanContext;
  readonly isPropagated: boolean;
  /** Undefined if the trace is not sampled. */
  readonly span: Span | undefined;
  #context: TraceContext | undefined;

  constructor(place: SpanContext, isPropagated: boolean, span: Span | undefined) {
    this.place = place;
    this.isPropagated = isPropagated;
    this.span = span;
  }

  /** Written when it is first needed: most requests only read. */
  get context(): TraceContext {
    return (this.#context ??= writeContext(this.place));
  }
}

export function currentStep(): SpanStep | undefined {
  const step = CURRENT_STEP.getStore();
  return step instanceof SpanStep ? step : undefined;
}

export interface SpanStepsOptions {
  sampler: Sampler;
  /** Whether other servers get the context of a step. */
  isPropagated: boolean;
  exportSpan: (span: Span) => void;
}

/** Starts steps, and finds each again by its report when it ends. */
export class SpanSteps {
  readonly #options: SpanStepsOptions;
  readonly #started = new WeakMap<object, SpanStep>();

  constructor(options: SpanStepsOptions) {
    this.#options = options;
  }

  /** `describe` is called only if the trace is sampled. */
  start<T extends object>(report: T, place: StepPlace, describe: (report: T) => SpanOptions): SpanStep {
    const context = this.#place(place);
    const span = context.isSampled ? this.#open(context, place, describe(report)) : undefined;
    const step = new SpanStep(context, this.#options.isPropagated, span);
    this.#started.set(report, step);
    return step;
  }

  /** The span of a report whose work has ended. */
  takeSpan(report: object): Span | undefined {
    const step = this.#started.get(report);
    this.#started.delete(report);
    return step?.span;
  }

  /** A span that began in the past, or that takes no time. Undefined if the trace is not sampled. */
  add(place: StepPlace, options: SpanOptions): Span | undefined {
    const context = this.#place(place);
    return context.isSampled ? this.#open(context, place, options) : undefined;
  }

  #place({ parent, spanId = createSpanId() }: StepPlace): SpanContext {
    const traceId = parent?.traceId ?? createTraceId();
    const isSampled = this.#options.sampler(traceId, parent);
    return { traceId, spanId, isSampled, traceState: parent?.traceState ?? "", isRemote: false };
  }

  #open(context: SpanContext, { parent }: StepPlace, options: SpanOptions): Span {
    return new Span(context, parent, options, this.#options.exportSpan);
  }
}
