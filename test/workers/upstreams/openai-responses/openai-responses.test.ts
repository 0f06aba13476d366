/** The connection to a provider: retries, timeouts and closing. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { textOf } from "../../../conformance/upstream-log.ts";
import { KEY, openUpstream, readUpstream, sampleCall } from "../../../support/openai-responses.ts";
import {
  type Answer,
  completed,
  created,
  message,
  answerError,
  neverAnswer,
  startUpstreamServer,
  stream,
  streamAndBreak,
  streamAndEnd,
} from "../../../support/upstream-server.ts";

const HELLO = [created(), ...message(0, "msg_1", ["Hel", "lo"]), completed()];
const FIRST_WORDS = [created(), ...message(0, "msg_1", ["Hel", "lo"]).slice(0, 3)];
const keepalive = { type: "keepalive", sequence_number: 2 };

describe("an error before the first item event", () => {
  const failures: { name: string; answer: Answer }[] = [
    { name: "status 408", answer: answerError(408, { message: "Too slow" }) },
    { name: "status 409", answer: answerError(409, { message: "Locked" }) },
    { name: "status 429", answer: answerError(429, { message: "Too many" }, { "retry-after-ms": "5" }) },
    { name: "status 500", answer: answerError(500, { message: "Oops" }) },
    { name: "status 400 that asks for another try", answer: answerError(400, null, { "x-should-retry": "true" }) },
    { name: "a connection that is closed", answer: (response) => response.destroy() },
    { name: "a stream that breaks", answer: streamAndBreak(created()) },
    { name: "a stream that ends", answer: streamAndEnd(created(), keepalive) },
    { name: "a frame that is no JSON", answer: (response) => void response.end("data: {oops\n\n") },
  ];

  test.for(failures)("is retried: $name", async ({ answer }) => {
    await using server = await startUpstreamServer(answer, answer, streamAndEnd(...HELLO));
    const { finish, output } = await readUpstream(server);
    expect(finish.status).toBe("completed");
    expect(textOf(output[0]!)).toBe("Hello");
    expect(server.requests).toHaveLength(3);
  });

  test("is retried at most UPSTREAM_MAX_RETRIES times", async () => {
    await using server = await startUpstreamServer(answerError(503, { message: "Overloaded" }));
    const { finish } = await readUpstream(server);
    expect(finish).toMatchObject({ status: "failed", error: { code: "server_error", message: "Overloaded" } });
    expect(server.requests).toHaveLength(3);
  });

  test.for([
    { name: "status 400", answer: answerError(400, { message: "No" }) },
    { name: "an empty account", answer: answerError(429, { message: "Pay", code: "insufficient_quota" }) },
    { name: "status 500 with a header against retries", answer: answerError(500, null, { "x-should-retry": "false" }) },
    { name: "a response that failed", answer: streamAndEnd(created(), { type: "response.failed", response: {} }) },
  ])("is final: $name", async ({ answer }) => {
    await using server = await startUpstreamServer(answer, streamAndEnd(...HELLO));
    expect((await readUpstream(server)).finish.status).toBe("failed");
    expect(server.requests).toHaveLength(1);
  });

  test("waits as long as Retry-After asks", async () => {
    await using server = await startUpstreamServer(
      answerError(429, { message: "Too many" }, { "retry-after": "0.2" }),
      streamAndEnd(...HELLO),
    );
    const startedAt = performance.now();
    expect((await readUpstream(server)).finish.status).toBe("completed");
    expect(performance.now() - startedAt).toBeGreaterThan(190);
  });

  test("hides an unreachable address", async () => {
    const server = await startUpstreamServer(neverAnswer);
    await server[Symbol.asyncDispose]();
    const { finish } = await readUpstream(server);
    const message = "The provider could not be reached (ECONNREFUSED).";
    expect(finish).toMatchObject({ status: "failed", error: { code: "server_error", message } });
  });
});

describe("an error after the first item event", () => {
  test.for([
    { name: "a stream that breaks", answer: streamAndBreak(...FIRST_WORDS) },
    { name: "a stream that ends", answer: streamAndEnd(...FIRST_WORDS) },
    { name: "a silent stream", answer: stream(...FIRST_WORDS) },
  ])("is not retried: $name", async ({ answer }) => {
    await using server = await startUpstreamServer(answer, streamAndEnd(...HELLO));
    const { events, finish } = await readUpstream(server, { UPSTREAM_IDLE_TIMEOUT_MS: "250" });
    expect(finish).toMatchObject({ status: "failed", error: { code: "server_error", type: "server_error" } });
    expect(events).toHaveLength(3);
    expect(server.requests).toHaveLength(1);
  });
});

describe("timeouts", () => {
  test("name UPSTREAM_TIMEOUT_MS if the provider does not answer each try", async () => {
    await using server = await startUpstreamServer(neverAnswer);
    const { finish } = await readUpstream(server, { UPSTREAM_TIMEOUT_MS: "150", UPSTREAM_MAX_RETRIES: "1" });
    const message = "The provider sent nothing for 150 ms (UPSTREAM_TIMEOUT_MS).";
    expect(finish).toMatchObject({ status: "failed", error: { code: "server_error", message } });
    expect(server.requests).toHaveLength(2);
    await Promise.all(server.requests.map((request) => request.closed));
  });

  test("cover an error's body too", async () => {
    await using server = await startUpstreamServer((response) => {
      response.writeHead(500, { "content-type": "application/json" });
      response.write('{"error":');
    });
    const { finish } = await readUpstream(server, { UPSTREAM_TIMEOUT_MS: "30", UPSTREAM_MAX_RETRIES: "0" });
    expect(finish).toMatchObject({ error: { message: expect.stringContaining("UPSTREAM_TIMEOUT_MS") } });
  });

  test("name UPSTREAM_IDLE_TIMEOUT_MS if the stream falls silent", async () => {
    await using server = await startUpstreamServer(stream(...FIRST_WORDS));
    const { finish } = await readUpstream(server, { UPSTREAM_IDLE_TIMEOUT_MS: "30" });
    const message = "The provider sent nothing for 30 ms (UPSTREAM_IDLE_TIMEOUT_MS).";
    expect(finish).toMatchObject({ status: "failed", error: { message } });
    await server.requests[0]!.closed;
  });

  test("pause while the reader is busy", async () => {
    await using server = await startUpstreamServer(streamAndEnd(...HELLO));
    const limitMs = 250;
    const upstream = openUpstream(server, { UPSTREAM_IDLE_TIMEOUT_MS: `${limitMs}` });
    const finishes: unknown[] = [];
    for await (const event of upstream.run(sampleCall(), new AbortController().signal)) {
      const busyUntil = performance.now() + (event.type === "response.output_item.added" ? limitMs + 20 : 0);
      while (performance.now() < busyUntil) await nextTurn();
      if (event.type === "finish") finishes.push(event.status);
    }
    expect(finishes).toEqual(["completed"]);
  });
});

describe("the connection", () => {
  test("is closed when the run is cancelled without a reader", async () => {
    await using server = await startUpstreamServer(stream(...FIRST_WORDS));
    const abort = new AbortController();
    const events = openUpstream(server).run(sampleCall(), abort.signal);
    await events.next();
    const reason = new Error("cancelled");
    abort.abort(reason);
    await server.requests[0]!.closed;
    await expect(readRest(events)).rejects.toBe(reason);
  });

  test("is closed on a cancel before the provider answers", async () => {
    const arrived = Promise.withResolvers<void>();
    await using server = await startUpstreamServer(() => arrived.resolve());
    const abort = new AbortController();
    const reason = new Error("cancelled");
    const first = openUpstream(server).run(sampleCall(), abort.signal).next();
    await arrived.promise;
    abort.abort(reason);
    await expect(first).rejects.toBe(reason);
    await server.requests[0]!.closed;
  });

  test("is not reopened after a cancel during a delay", async () => {
    const rejected = Promise.withResolvers<void>();
    await using server = await startUpstreamServer((response) => {
      answerError(429, { message: "Too many" }, { "retry-after": "4" })(response);
      response.on("finish", () => rejected.resolve());
    });
    const abort = new AbortController();
    const reason = new Error("cancelled");
    const first = openUpstream(server).run(sampleCall(), abort.signal).next();
    await rejected.promise;
    abort.abort(reason);
    await expect(first).rejects.toBe(reason);
    expect(server.requests).toHaveLength(1);
  });

  test("is closed when the reader leaves", async () => {
    await using server = await startUpstreamServer(stream(...FIRST_WORDS));
    const events = openUpstream(server).run(sampleCall(), new AbortController().signal);
    await events.next();
    await events.return();
    await expect(server.requests[0]!.closed).resolves.toBeDefined();
  });

  test("is closed after the terminal event, though the provider keeps it open", async () => {
    await using server = await startUpstreamServer(stream(...HELLO));
    expect((await readUpstream(server)).finish.status).toBe("completed");
    await server.requests[0]!.closed;
  });

  test("carries the key and the provider's headers", async () => {
    await using server = await startUpstreamServer(streamAndEnd(...HELLO));
    await readUpstream(server, {}, { headers: { "x-tenant": "seven" } });
    await readUpstream(server, {}, { api_key_env: "NOT_SET" });
    const [first, second] = server.requests;
    expect(first).toMatchObject({
      path: "/v1/responses",
      headers: { authorization: `Bearer ${KEY}`, "x-tenant": "seven" },
    });
    expect(second!.headers.authorization).toBe("Bearer none");
  });
});

async function readRest(events: AsyncIterable<unknown>): Promise<void> {
  for await (const event of events) void event;
}
