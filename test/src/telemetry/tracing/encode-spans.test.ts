import { describe, expect, test } from "vitest";
import { createOrigin, SpanBatch } from "../../../../src/telemetry/tracing/encode-spans.ts";
import { Span, type SpanOptions } from "../../../../src/telemetry/tracing/span.ts";
import { decodeSpans, type ReceivedSpan } from "../../../support/otlp-messages.ts";

const PLACE = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  isSampled: true,
  traceState: "",
  isRemote: false,
};
const PARENT = { ...PLACE, spanId: "00f067aa0ba902b7", isRemote: true };
const ORIGIN = createOrigin({ "service.name": "owl", "service.instance.id": "näme" }, "tests");

type Value = string | number | boolean | undefined;

function endSpan(
  batch: SpanBatch,
  options: Partial<SpanOptions> = {},
  describe: (span: Span) => void = (span) => span.end({}),
): void {
  describe(new Span(PLACE, PARENT, { name: "chat owl", ...options }, (span) => batch.add(span)));
}

function decodeOne(options?: Partial<SpanOptions>, describe?: (span: Span) => void): ReceivedSpan {
  const batch = new SpanBatch(ORIGIN);
  endSpan(batch, options, describe);
  const [span, ...others] = decodeSpans(batch.encode());
  expect(others).toEqual([]);
  return span!;
}

const valueOf = (value: Value): Value => decodeOne({}, (span) => span.end({ value })).attributes["value"];

describe("an encoded span", () => {
  test("has everything that was recorded", () => {
    const startMs = 1_790_000_000_123.25;
    const options = { name: "chat größer", kind: "client", attributes: { turn: 3 }, startMs } as const;
    const span = decodeOne(options, (recorded) => {
      recorded.addEvent("retry", { code: "server_error", retries: 1 });
      recorded.fail("first");
      recorded.fail("server_error");
      recorded.end({ cost: 0.25, absent: undefined }, startMs + 2_500.5);
    });
    expect(span).toEqual({
      traceId: PLACE.traceId,
      spanId: PLACE.spanId,
      parentSpanId: PARENT.spanId,
      traceState: "",
      name: "chat größer",
      kind: "client",
      startMs: expect.closeTo(startMs, 2),
      endMs: expect.closeTo(startMs + 2_500.5, 2),
      attributes: { turn: 3, cost: 0.25, "error.type": "server_error" },
      events: [{ name: "retry", attributes: { code: "server_error", retries: 1 } }],
      droppedEvents: 0,
      hasRemoteParent: true,
      status: "error",
      statusMessage: "",
      resource: { "service.name": "owl", "service.instance.id": "näme" },
    });
  });

  test("of a root has no parent", () => {
    const batch = new SpanBatch(ORIGIN);
    new Span({ ...PLACE, traceState: "lab=1" }, undefined, { name: "GET" }, (span) => batch.add(span)).end({});
    expect(decodeSpans(batch.encode())).toMatchObject([
      { parentSpanId: "", hasRemoteParent: false, traceState: "lab=1", kind: "internal", status: "unset" },
    ]);
  });

  test.each([1, 20])("may be long: %i texts", (count) => {
    const attributes = Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`text ${i}`, "z".repeat(1_000 + i)]),
    );
    expect(decodeOne({ attributes }).attributes).toEqual(attributes);
  });

  test("ends at its start or later", () => {
    const span = decodeOne({ startMs: 5_000 }, (recorded) => recorded.end({}, 4_000));
    expect([span.startMs, span.endMs]).toEqual([5_000, 5_000]);
  });

  test("keeps its latest events", () => {
    const span = decodeOne({}, (recorded) => {
      for (let i = 0; i < 130; i += 1) recorded.addEvent("retry", { retries: i });
      recorded.end({});
    });
    expect(span.events.map(({ attributes }) => attributes["retries"])).toEqual(
      Array.from({ length: 128 }, (_, i) => i + 2),
    );
    expect(span.droppedEvents).toBe(2);
  });
});

describe("an encoded value", () => {
  // Lengths around those at which a length takes another byte, alone and with what surrounds the value.
  const lengths = [0, 1, 110, 118, 119, 120, 121, 122, 125, 126, 127, 128, 129, 1_023, 1_024];
  test.each(lengths.flatMap((length) => ["x", "ß", "猫"].map((letter) => [letter, length] as const)))(
    "is a text of '%s' %i times",
    (letter, length) => {
      expect(valueOf(letter.repeat(length))).toBe(letter.repeat(length));
    },
  );

  test.each([true, false, 0, 1, 127, 128, 65_536, 2 ** 31, 2 ** 32, 2 ** 53 - 1, -1, 0.5, 1e300, "🦉", "a\0b"])(
    "is %o",
    (value) => {
      expect(valueOf(value)).toBe(value);
    },
  );

  test("is cut after 1,024 characters", () => {
    expect(valueOf("x".repeat(1_025))).toBe("x".repeat(1_024));
  });
});

describe("a batch", () => {
  test("grows with its spans, and is used again", () => {
    const batch = new SpanBatch(ORIGIN);
    // The second has more than the memory that a batch begins with.
    for (const count of [3, 700, 1]) {
      const description = "y".repeat(count);
      for (let i = 0; i < count; i += 1) endSpan(batch, { name: `span ${i}`, attributes: { description } });
      expect(batch.count).toBe(count);
      const spans = decodeSpans(batch.encode());
      expect(spans.map(({ name }) => name)).toEqual(Array.from({ length: count }, (_, i) => `span ${i}`));
      expect(spans.at(-1)!.attributes).toEqual({ description });
      batch.clear();
    }
  });
});
