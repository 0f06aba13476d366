import { expect, test } from "vitest";
import { readContext, readRecordedContext, writeContext } from "../../../../src/telemetry/tracing/span-context.ts";

const IDS = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };

test.each([
  { ...IDS, isSampled: true, traceState: "" },
  { ...IDS, isSampled: false, traceState: "lab=1,other=2" },
])("a recorded context is read as it was written: %o", (context) => {
  const written = writeContext({ ...context, isRemote: false });
  expect(readRecordedContext(written)).toEqual({ ...context, isRemote: true });
  expect(readContext(written)).toEqual({ ...context, isRemote: true });
});

test("no context is the root of a trace", () => {
  expect(readRecordedContext(undefined)).toBeUndefined();
  expect(readContext({})).toBeUndefined();
  expect(readContext({ traceparent: `00-${"0".repeat(32)}-${IDS.spanId}-01` })).toBeUndefined();
});
