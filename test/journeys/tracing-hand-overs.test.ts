/** A trace stays one when its run waits, moves to a fallback or to another worker, and reaches every kind of provider. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Queue } from "bullmq";
import { afterAll, expect, test } from "vitest";
import { answerOf, KINDS } from "../support/ai-sdk.ts";
import { create, pollToEnd, RedisInspector } from "../support/api-client.ts";
import type { ReceivedSpan } from "../support/otlp-messages.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../support/otlp-receiver.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import {
  answerError,
  completed,
  created,
  message,
  startUpstreamServer,
  stream,
  streamAndEnd,
} from "../support/upstream-server.ts";

const TIMEOUT = { timeout: 90_000 };
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const FROM_CLIENT = { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` };
const REQUEST = { model: "lab/owl", input: "Hello", background: true };
const WAIT_SECONDS = 600;
const LIMITED = answerError(429, { message: "Too many tokens this minute" }, { "retry-after": String(WAIT_SECONDS) });

const folder = await mkdtemp(join(tmpdir(), "background-responses-tracing-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function environmentOf(collector: OtlpReceiver, providers: object): Promise<Record<"KEY_PREFIX", string>> {
  const KEY_PREFIX = uniquePrefix();
  const PROVIDERS_FILE = join(folder, `${KEY_PREFIX}.json`);
  await writeFile(PROVIDERS_FILE, JSON.stringify({ providers }));
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: "50" };
  return { KEY_PREFIX, PROVIDERS_FILE, UPSTREAM_MAX_RETRIES: "0", DRAIN_GRACE_MS: "0", ...tracing } as Record<
    "KEY_PREFIX",
    string
  >;
}

interface Trace {
  /** The span of the request. */
  post: ReceivedSpan;
  /** The attempts and the model calls, in order. */
  attempts: ReceivedSpan[];
  calls: ReceivedSpan[];
}

/** Every attempt is a child of the request, and every call of an attempt. */
function readTrace(spans: readonly ReceivedSpan[]): Trace {
  const ours = spans.filter(({ traceId }) => traceId === TRACE_ID).toSorted((a, b) => a.startMs - b.startMs);
  const post = ours.find(({ name }) => name === "POST /v1/responses");
  const attempts = ours.filter(({ name }) => name === "process background");
  const calls = ours.filter(({ name }) => name.startsWith("chat "));
  expect(attempts.map(({ parentSpanId }) => parentSpanId)).toEqual(attempts.map(() => post!.spanId));
  const known = new Set(attempts.map(({ spanId }) => spanId));
  expect(calls.filter(({ parentSpanId }) => !known.has(parentSpanId))).toEqual([]);
  return { post: post!, attempts, calls };
}

const endOf = ({ attributes, status }: ReceivedSpan) => [attributes["background_responses.attempt.end"], status];
const traceparentOf = ({ traceId, spanId }: ReceivedSpan) => `00-${traceId}-${spanId}-01`;
const eventsOf = ({ events }: ReceivedSpan) => events.map(({ name }) => name);

test("a run that waits for its provider has an attempt before the wait and one after it", TIMEOUT, async () => {
  await using collector = await startOtlpReceiver();
  await using upstream = await startUpstreamServer(LIMITED, answerOf("openai-compatible", ["It ", "rains."]));
  const environment = await environmentOf(collector, {
    lab: { kind: "openai-compatible", base_url: upstream.url },
  });
  using inspector = new RedisInspector(environment.KEY_PREFIX);
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  const { id } = await create(api.url, REQUEST, FROM_CLIENT);
  await worker.line(({ msg }) => msg === "Waits in the queue for its provider", "a wait");
  const queue = new Queue("background", { connection: inspector.redis, prefix: inspector.layout.queuePrefix });
  await expect.poll(async () => await (await queue.getJob(id))?.getState()).toBe("delayed");
  await (await queue.getJob(id))!.promote();
  expect((await pollToEnd(api.url, id)).status).toBe("completed");
  await queue.close();
  await Promise.all([api.stop(), worker.stop()]);

  const { attempts, calls } = readTrace(collector.spans);
  expect(attempts.map(endOf)).toEqual([
    ["waited", "unset"],
    ["ended", "unset"],
  ]);
  const waits = [...attempts, ...calls].flatMap(({ events }) =>
    events.filter(({ name }) => name === "wait for provider"),
  );
  expect(waits.map(({ attributes }) => attributes)).toEqual([
    { "background_responses.provider": "lab", "background_responses.wait_ms": expect.any(Number) },
  ]);
  expect(Number(waits[0]!.attributes["background_responses.wait_ms"])).toBeGreaterThan((WAIT_SECONDS - 5) * 1_000);
  expect(calls.map(({ attributes, status }) => [attributes["error.type"], status])).toEqual([
    ["rate_limit_exceeded", "error"],
    [undefined, "unset"],
  ]);
  expect(upstream.requests.map(({ headers }) => headers["traceparent"])).toEqual(calls.map(traceparentOf));
});

test("a fallback is an event of the run, and has the trace", TIMEOUT, async () => {
  await using collector = await startOtlpReceiver();
  await using broken = await startUpstreamServer(answerError(503, { message: "Busy.", type: "server_error" }));
  const text = streamAndEnd(created(), ...message(0, "msg_1", ["Hi"]), completed());
  await using other = await startUpstreamServer(text);
  const environment = await environmentOf(collector, {
    lab: { kind: "openai-responses", base_url: broken.url, fallbacks: ["other/finch"] },
    other: { kind: "openai-responses", base_url: other.url },
  });
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  const { id } = await create(api.url, REQUEST, FROM_CLIENT);
  expect((await pollToEnd(api.url, id)).status).toBe("completed");
  await Promise.all([api.stop(), worker.stop()]);

  const { attempts, calls } = readTrace(collector.spans);
  expect(attempts.map(endOf)).toEqual([["ended", "unset"]]);
  const fallbacks = [...attempts, ...calls].flatMap(({ events }) => events.filter(({ name }) => name === "fallback"));
  expect(fallbacks.map(({ attributes }) => attributes)).toEqual([
    { "error.type": "server_error", "background_responses.fallback": "other/finch" },
  ]);
  for (const { requests } of [broken, other]) {
    const [traceparent] = requests.map(({ headers }) => String(headers["traceparent"]));
    expect(traceparent).toContain(TRACE_ID);
    expect(calls.map(traceparentOf)).toContain(traceparent);
  }
  expect(calls.at(-1)).toMatchObject({ status: "unset", attributes: { "gen_ai.provider.name": "other" } });
});

test("a stopping worker's run continues in the same trace, and no attempt failed", TIMEOUT, async () => {
  await using collector = await startOtlpReceiver();
  const words = message(0, "msg_1", ["Hi"]);
  await using upstream = await startUpstreamServer(stream(created()), streamAndEnd(created(), ...words, completed()));
  const environment = await environmentOf(collector, { lab: { kind: "openai-responses", base_url: upstream.url } });
  await using api = await startApi(environment);
  await using leaving = await startWorker(environment);
  const { id } = await create(api.url, REQUEST, FROM_CLIENT);
  await expect.poll(() => upstream.requests.length).toBe(1);
  expect(await leaving.stop()).toBe(0);
  await using heir = await startWorker(environment);
  expect((await pollToEnd(api.url, id)).status).toBe("completed");
  await Promise.all([api.stop(), heir.stop()]);

  const { attempts, calls } = readTrace(collector.spans);
  expect(attempts.map(endOf)).toEqual([
    ["handed_over", "unset"],
    ["ended", "unset"],
  ]);
  const workers = attempts.map(({ attributes }) => String(attributes["background_responses.worker"]).split(":").at(-1));
  expect(workers).toEqual([String(leaving.child.pid), String(heir.child.pid)]);
  expect(calls.map(({ parentSpanId }) => parentSpanId)).toEqual(attempts.map(({ spanId }) => spanId));
  expect(eventsOf(attempts[1]!)).toEqual(["response ended"]);
  expect(upstream.requests.map(({ headers }) => headers["traceparent"])).toEqual(calls.map(traceparentOf));
});

test("each vendor's API gets the trace of its call", TIMEOUT, async () => {
  await using collector = await startOtlpReceiver();
  await using servers = new AsyncDisposableStack();
  const opened = await Promise.all(
    KINDS.map(async (kind) => [kind, servers.use(await startUpstreamServer(answerOf(kind, ["Hi"])))] as const),
  );
  const environment = await environmentOf(
    collector,
    Object.fromEntries(opened.map(([kind, { url }]) => [kind, { kind, base_url: url }])),
  );
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  for (const kind of KINDS) {
    const { id } = await create(api.url, { ...REQUEST, model: `${kind}/owl` }, FROM_CLIENT);
    expect((await pollToEnd(api.url, id)).status).toBe("completed");
  }
  await Promise.all([api.stop(), worker.stop()]);
  // In the order of the requests.
  const calls = collector.spans.filter(({ name }) => name === "chat owl").toSorted((a, b) => a.startMs - b.startMs);
  const sent = opened.map(([, { requests }]) => requests.map(({ headers }) => headers["traceparent"]));
  expect(sent).toEqual(calls.map((call) => [traceparentOf(call)]));
});
