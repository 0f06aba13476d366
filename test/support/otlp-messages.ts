/**
 * The messages of OTLP that the tests read, with the field numbers of
 * https://github.com/open-telemetry/opentelemetry-proto (v1).
 */
import { parse } from "protobufjs";

const SCHEMA = `
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1;
    bytes span_id = 2;
    string trace_state = 3;
    bytes parent_span_id = 4;
    string name = 5;
    int32 kind = 6;
    fixed64 start_time_unix_nano = 7;
    fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9;
    repeated Event events = 11;
    uint32 dropped_events_count = 12;
    repeated Link links = 13;
    Status status = 15;
    fixed32 flags = 16;
  }
  message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
  message Link { bytes trace_id = 1; bytes span_id = 2; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; }
  }
`;

const request = parse(SCHEMA).root.lookupType("Request");

type Value = string | number | boolean | undefined;
type Attributes = Readonly<Record<string, Value>>;

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  /** Empty for a root. */
  parentSpanId: string;
  traceState: string;
  name: string;
  kind: "internal" | "server" | "client" | "producer" | "consumer" | undefined;
  startMs: number;
  endMs: number;
  attributes: Attributes;
  events: { name: string; attributes: Attributes }[];
  droppedEvents: number;
  /** Whether another process has the parent. */
  hasRemoteParent: boolean;
  status: "unset" | "ok" | "error" | undefined;
  statusMessage: string;
  resource: Attributes;
}

interface RawAttribute {
  key: string;
  value?: { stringValue?: string; boolValue?: boolean; intValue?: number; doubleValue?: number };
}

interface RawSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  traceState: string;
  name: string;
  kind: number;
  startTimeUnixNano: number;
  endTimeUnixNano: number;
  attributes: RawAttribute[];
  events: { name: string; attributes: RawAttribute[] }[];
  droppedEventsCount: number;
  flags: number;
  status: { message: string; code: number } | null;
}

interface RawRequest {
  resourceSpans: { resource: { attributes: RawAttribute[] }; scopeSpans: { spans: RawSpan[] }[] }[];
}

const KINDS = [undefined, "internal", "server", "client", "producer", "consumer"] as const;
const STATUSES = ["unset", "ok", "error"] as const;
const NANOSECONDS = 1e6;
const REMOTE_PARENT = 0x200;

export function decodeSpans(bytes: Uint8Array): ReceivedSpan[] {
  const decoded = request.toObject(request.decode(bytes), { longs: Number, bytes: String, defaults: true });
  return (decoded as RawRequest).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => readSpan(span, readAttributes(resource.attributes)))),
  );
}

function readSpan(span: RawSpan, resource: Attributes): ReceivedSpan {
  const { traceId, spanId, parentSpanId, kind, startTimeUnixNano, endTimeUnixNano, attributes, events, status } = span;
  return {
    traceId: toHex(traceId),
    spanId: toHex(spanId),
    parentSpanId: toHex(parentSpanId),
    traceState: span.traceState,
    name: span.name,
    kind: KINDS[kind],
    startMs: startTimeUnixNano / NANOSECONDS,
    endMs: endTimeUnixNano / NANOSECONDS,
    attributes: readAttributes(attributes),
    events: events.map((event) => ({ name: event.name, attributes: readAttributes(event.attributes) })),
    droppedEvents: span.droppedEventsCount,
    hasRemoteParent: (span.flags & REMOTE_PARENT) !== 0,
    status: STATUSES[status?.code ?? 0],
    statusMessage: status?.message ?? "",
    resource,
  };
}

function readAttributes(attributes: readonly RawAttribute[]): Attributes {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value?.stringValue ?? value?.intValue ?? value?.doubleValue ?? value?.boolValue,
    ]),
  );
}

function toHex(base64: string): string {
  return Buffer.from(base64, "base64").toString("hex");
}
