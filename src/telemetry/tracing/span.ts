/**
 * A span that is recorded. The SDK of OpenTelemetry has spans too, at a higher price: these copy and check nothing, and
 * become bytes as soon as they end (docs/decisions/tracing.md).
 */
import type { Attributes } from "./attributes.ts";
import type { SpanContext } from "./span-context.ts";

/** The numbers of OTLP. */
export const SpanKind = { internal: 1, server: 2, client: 3, consumer: 5 } as const;

export interface SpanOptions {
  name: string;
  kind?: keyof typeof SpanKind | undefined;
  attributes?: Attributes | undefined;
  /** Now, by default. */
  startMs?: number | undefined;
}

export interface SpanEvent {
  name: string;
  atMs: number;
  attributes: Attributes;
}

/** A run that retries for hours keeps its latest. */
const MAX_EVENTS = 128;

export class Span {
  readonly context: SpanContext;
  readonly parent: SpanContext | undefined;
  readonly kind: keyof typeof SpanKind;
  name: string;
  readonly startMs: number;
  endMs = 0;
  /** Those of the start and of the end. No two have the same name. */
  readonly startAttributes: Attributes | undefined;
  endAttributes: Attributes | undefined;
  events: SpanEvent[] | undefined;
  droppedEvents = 0;
  /** A code, and never a message: messages may quote prompts and outputs. */
  errorType: string | undefined;
  readonly #startedMs = performance.now();
  readonly #exportSpan: (span: Span) => void;

  constructor(
    context: SpanContext,
    parent: SpanContext | undefined,
    { name, kind = "internal", attributes, startMs }: SpanOptions,
    exportSpan: (span: Span) => void,
  ) {
    this.context = context;
    this.parent = parent;
    this.name = name;
    this.kind = kind;
    this.startMs = startMs ?? Date.now();
    this.startAttributes = attributes;
    this.#exportSpan = exportSpan;
  }

  /** Since the start, by a clock that is never set. */
  #nowMs(): number {
    return this.startMs + (performance.now() - this.#startedMs);
  }

  addEvent(name: string, attributes: Attributes = {}): void {
    this.events ??= [];
    if (this.events.length === MAX_EVENTS) {
      this.events.shift();
      this.droppedEvents += 1;
    }
    this.events.push({ name, atMs: this.#nowMs(), attributes });
  }

  fail(errorType: string): void {
    this.errorType = errorType;
  }

  end(attributes: Attributes, endMs = this.#nowMs()): void {
    this.endMs = Math.max(endMs, this.startMs);
    this.endAttributes = attributes;
    this.#exportSpan(this);
  }
}
