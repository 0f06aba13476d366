import { describe, expect, test } from "vitest";
import { CURRENT_STEP, type TraceStep, traceFields, withTraceContext } from "../../../src/telemetry/trace-context.ts";

const TRACEPARENT = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
const step = (fields: Partial<TraceStep> = {}): TraceStep => ({
  context: { traceparent: TRACEPARENT, tracestate: "lab=1" },
  isPropagated: true,
  ...fields,
});

/** Sends a request within the step, and returns its headers. */
async function headersWithin(current: TraceStep | undefined, init?: RequestInit): Promise<Record<string, string>> {
  let sent: RequestInit | undefined;
  const send = withTraceContext<string>(async (_, received) => {
    sent = received;
    return new Response();
  });
  await CURRENT_STEP.run(current!, () => send("http://127.0.0.1", init));
  return Object.fromEntries(new Headers(sent?.headers));
}

describe("a request to another server", () => {
  test("has the context of the step that sends it", async () => {
    const init = { headers: { authorization: "Bearer key", traceparent: "of a library" } };
    expect(await headersWithin(step(), init)).toEqual({
      authorization: "Bearer key",
      traceparent: TRACEPARENT,
      tracestate: "lab=1",
    });
  });

  test("has no tracestate if there is none", async () => {
    expect(await headersWithin(step({ context: { traceparent: TRACEPARENT } }))).toEqual({ traceparent: TRACEPARENT });
  });

  test.each([
    ["without tracing", undefined],
    ["without propagation", step({ isPropagated: false })],
  ])("stays as it is %s", async (_, current) => {
    expect(await headersWithin(current, { headers: { accept: "*/*" } })).toEqual({ accept: "*/*" });
  });
});

test("a log line gets the ids of its step", () => {
  expect(traceFields()).toEqual({});
  const fields = CURRENT_STEP.run(step(), traceFields);
  expect(fields).toEqual({ trace_id: "1".repeat(32), span_id: "2".repeat(16) });
});
