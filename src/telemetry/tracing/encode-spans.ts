/**
 * Spans as messages of OTLP, with the field numbers of https://github.com/open-telemetry/opentelemetry-proto
 * (opentelemetry/proto/trace/v1/trace.proto). Default values are left out, as the format allows.
 */
import { ATTR_ERROR_TYPE } from "@opentelemetry/semantic-conventions";
import type { Attributes } from "./attributes.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import { type Span, type SpanEvent, SpanKind } from "./span.ts";

const KEY_VALUE = { key: 1, value: 2 } as const;
const ANY_VALUE = { string: 1, boolean: 2, integer: 3, double: 4 } as const;
const EVENT = { time: 1, name: 2, attributes: 3 } as const;
const STATUS = { code: 3 } as const;
const STATUS_ERROR = 2;
const SPAN = {
  traceId: 1,
  spanId: 2,
  traceState: 3,
  parentSpanId: 4,
  name: 5,
  kind: 6,
  start: 7,
  end: 8,
  attributes: 9,
  events: 11,
  droppedEvents: 12,
  status: 15,
  flags: 16,
} as const;
/** Flags of a span beside the sampled flag: that it is known whether the parent is in another process, and that it is. */
const FLAG = { sampled: 0x01, hasIsRemote: 0x100, isRemote: 0x200 } as const;

type Value = string | number | boolean;

/** Names of models and tools come from requests. */
const MAX_VALUE_CHARACTERS = 1_024;

function encodeSpan(writer: ProtobufWriter, span: Span): void {
  const { context, parent, startAttributes, endAttributes, errorType, events = [], droppedEvents } = span;
  const start = writer.open(SCOPE_SPANS.spans);
  writer.hex(SPAN.traceId, context.traceId);
  writer.hex(SPAN.spanId, context.spanId);
  if (context.traceState !== "") writer.string(SPAN.traceState, context.traceState);
  if (parent !== undefined) writer.hex(SPAN.parentSpanId, parent.spanId);
  writer.string(SPAN.name, span.name);
  writer.integer(SPAN.kind, SpanKind[span.kind]);
  writer.time(SPAN.start, span.startMs);
  writer.time(SPAN.end, span.endMs);
  if (startAttributes !== undefined) encodeAttributes(writer, SPAN.attributes, startAttributes);
  if (endAttributes !== undefined) encodeAttributes(writer, SPAN.attributes, endAttributes);
  if (errorType !== undefined) encodeAttribute(writer, SPAN.attributes, ATTR_ERROR_TYPE, errorType);
  for (const event of events) encodeEvent(writer, event);
  if (droppedEvents > 0) writer.integer(SPAN.droppedEvents, droppedEvents);
  if (errorType !== undefined) encodeError(writer);
  writer.fixed32(SPAN.flags, FLAG.sampled | FLAG.hasIsRemote | (parent?.isRemote === true ? FLAG.isRemote : 0));
  writer.close(start);
}

function encodeEvent(writer: ProtobufWriter, { name, atMs, attributes }: SpanEvent): void {
  const start = writer.open(SPAN.events);
  writer.time(EVENT.time, atMs);
  writer.string(EVENT.name, name);
  encodeAttributes(writer, EVENT.attributes, attributes);
  writer.close(start);
}

function encodeError(writer: ProtobufWriter): void {
  const start = writer.open(SPAN.status);
  writer.integer(STATUS.code, STATUS_ERROR);
  writer.close(start);
}

function encodeAttributes(writer: ProtobufWriter, field: number, attributes: Attributes): void {
  for (const name in attributes) {
    const value = attributes[name];
    if (value !== undefined) encodeAttribute(writer, field, name, value);
  }
}

function encodeAttribute(writer: ProtobufWriter, field: number, name: string, value: Value): void {
  const start = writer.open(field);
  writer.string(KEY_VALUE.key, name);
  const valueStart = writer.open(KEY_VALUE.value);
  encodeValue(writer, value);
  writer.close(valueStart);
  writer.close(start);
}

function encodeValue(writer: ProtobufWriter, value: Value): void {
  if (typeof value === "string") writer.string(ANY_VALUE.string, value.slice(0, MAX_VALUE_CHARACTERS));
  else if (typeof value === "boolean") writer.integer(ANY_VALUE.boolean, value ? 1 : 0);
  else if (Number.isSafeInteger(value) && value >= 0) writer.integer(ANY_VALUE.integer, value);
  else writer.double(ANY_VALUE.double, value);
}

const REQUEST = { resourceSpans: 1 } as const;
const RESOURCE_SPANS = { resource: 1, scopeSpans: 2 } as const;
const RESOURCE = { attributes: 1 } as const;
const SCOPE_SPANS = { scope: 1, spans: 2 } as const;
const SCOPE = { name: 1 } as const;
/** At most what the two lengths before a request's spans take, with their tags. */
const LENGTHS_BYTES = 32;
const BATCH_BYTES = 16_384;

/**
 * Spans of one process that are sent together, in the bytes of the request to the collector. The request begins with what
 * describes the process, and with lengths that are known at last: they are written into a gap before the spans, so that no
 * span is copied.
 */
export class SpanBatch {
  readonly #origin: SpanOrigin;
  readonly #writer = new ProtobufWriter(BATCH_BYTES);
  readonly #gap: number;
  count = 0;

  constructor(origin: SpanOrigin) {
    this.#origin = origin;
    this.#gap = origin.resource.length + origin.scope.length + LENGTHS_BYTES;
    this.#writer.skip(this.#gap);
  }

  /** Bytes of its memory. */
  get capacity(): number {
    return this.#writer.capacity;
  }

  add(span: Span): void {
    encodeSpan(this.#writer, span);
    this.count += 1;
  }

  /** Valid until `clear`. */
  encode(): Uint8Array {
    const { resource, scope } = this.#origin;
    const written = this.#writer.written();
    const scopeLength = scope.length + written.length - this.#gap;
    const scopeSpans = encodeHeader(RESOURCE_SPANS.scopeSpans, scopeLength);
    const resourceSpans = encodeHeader(REQUEST.resourceSpans, resource.length + scopeSpans.length + scopeLength);
    const head = Buffer.concat([resourceSpans, resource, scopeSpans, scope]);
    const start = this.#gap - head.length;
    written.set(head, start);
    return written.subarray(start);
  }

  /** For other spans, in the same memory. */
  clear(): void {
    this.count = 0;
    this.#writer.clear();
    this.#writer.skip(this.#gap);
  }
}

/** What a request of a process begins with. */
export interface SpanOrigin {
  resource: Uint8Array;
  scope: Uint8Array;
}

/** `attributes` describe the process, `scope` names what traces it. */
export function createOrigin(attributes: Attributes, scope: string): SpanOrigin {
  return {
    resource: encodeMessage(RESOURCE_SPANS.resource, (writer) =>
      encodeAttributes(writer, RESOURCE.attributes, attributes),
    ),
    scope: encodeMessage(SCOPE_SPANS.scope, (writer) => writer.string(SCOPE.name, scope)),
  };
}

function encodeMessage(field: number, write: (writer: ProtobufWriter) => void): Uint8Array {
  const writer = new ProtobufWriter(LENGTHS_BYTES);
  const start = writer.open(field);
  write(writer);
  writer.close(start);
  return writer.written();
}

/** Tag and length of a message. */
function encodeHeader(field: number, length: number): Uint8Array {
  const writer = new ProtobufWriter(LENGTHS_BYTES);
  writer.header(field, length);
  return writer.written();
}
