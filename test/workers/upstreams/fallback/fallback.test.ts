/** Which model answers instead of another, when, and the error if none does. */
import { describe, expect, test } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import { type Provider, ProviderCatalog } from "../../../../src/providers/catalog.ts";
import { Upstreams } from "../../../../workers/upstreams/registry.ts";
import type { CallObserver } from "../../../../workers/upstreams/upstream.ts";
import { readLog, textOf } from "../../../conformance/upstream-log.ts";
import { answerOf, brokenFrames, frames, textFrames } from "../../../support/ai-sdk.ts";
import { silentLogger } from "../../../support/storage.ts";
import { sampleCall } from "../../../support/openai-responses.ts";
import {
  type Answer,
  created,
  answerError,
  neverAnswer,
  startUpstreamServer,
  streamAndEnd,
  type UpstreamServer,
} from "../../../support/upstream-server.ts";

const KIND = "openai-compatible";
const BUSY = answerError(429, { message: "Too many" }, { "retry-after": "30" });
const WELL = answerOf(KIND, ["Well", "."]);

/** Two vendors, `a` with the fallback `b`. */
async function open(a: UpstreamServer, b: UpstreamServer, fallbacks = ["a/m1", "b/m2"], kind: Provider["kind"] = KIND) {
  const asked: string[] = [];
  const entry = (name: string, server: UpstreamServer): Provider => ({
    name,
    kind: KIND,
    base_url: server.url,
    headers: {},
    ...(name === "a" && { fallbacks }),
  });
  const catalog = new ProviderCatalog([{ ...entry("a", a), kind } as Provider, entry("b", b)]);
  const upstreams = new Upstreams(catalog, readConfig({ UPSTREAM_MAX_RETRIES: "1" }), silentLogger);
  const { upstream, resolved } = upstreams.find("a/m1")!;
  const observer: CallObserver = {
    onRetry: () => {},
    onFallback: ({ provider, model }) => void asked.push(`${provider.name}/${model}`),
  };
  const call = sampleCall({ model: resolved.model, observer });
  const run = (signal = new AbortController().signal) => upstream.run(call, signal);
  return { run, fallbacks: asked };
}

async function read(first: Answer, second: Answer) {
  await using a = await startUpstreamServer(first);
  await using b = await startUpstreamServer(second);
  const { run, fallbacks } = await open(a, b);
  const log = await readLog(run());
  return { ...log, fallbacks, asked: [a.requests.length, b.requests.length], body: b.requests[0]?.body };
}

describe("a fallback", () => {
  test.each<[string, Answer, number]>([
    ["fails after its retries", answerError(500, { message: "Oops" }, { "retry-after-ms": "1" }), 2],
    ["is rate-limited, instead of a wait", BUSY, 1],
    ["does not know the model", answerError(404, { message: "No such model" }), 1],
    ["rejects our key", answerError(401, null), 1],
    ["has an empty account", answerError(429, { message: "Pay", code: "insufficient_quota" }), 1],
    ["reports its own error in the stream", frames({ error: { message: "Overloaded", type: "server_error" } }), 1],
  ])("answers when the first %s", async (_name, answer, tries) => {
    const { finish, output, fallbacks, asked, body } = await read(answer, WELL);
    expect(finish.status).toBe("completed");
    expect(output.map(textOf)).toEqual(["Well."]);
    expect(asked).toEqual([tries, 1]);
    expect(body).toMatchObject({ model: "m2" });
    expect(fallbacks).toEqual(["b/m2"]);
  });

  test.each<[string, Answer]>([
    ["rejects the request", answerError(400, { message: "No" })],
    ["rejects it in the stream", frames({ error: { message: "No", type: "invalid_request_error" } })],
    ["has begun to answer", brokenFrames(...textFrames(KIND, ["We"]))],
  ])("is not asked when the first %s", async (_name, answer) => {
    const { finish, fallbacks, asked } = await read(answer, WELL);
    expect(finish.status).toBe("failed");
    expect(asked).toEqual([1, 0]);
    expect(fallbacks).toEqual([]);
  });

  test.each<[string, Answer]>([
    [
      "a nested error frame",
      streamAndEnd(created(), { type: "error", error: { code: "server_error", message: "Oops" } }),
    ],
    ["a flat error frame", streamAndEnd(created(), { type: "error", code: "server_error", message: "Oops" })],
    [
      "an empty account",
      streamAndEnd(created(), { type: "error", error: { code: "insufficient_quota", message: "Pay" } }),
    ],
    ["response.failed", streamAndEnd(created(), { type: "response.failed", response: { status: "failed" } })],
  ])("answers for a Responses API server that sends %s", async (_name, answer) => {
    await using a = await startUpstreamServer(answer);
    await using b = await startUpstreamServer(WELL);
    const { run } = await open(a, b, ["b/m2"], "openai-responses");
    expect((await readLog(run())).finish.status).toBe("completed");
    expect([a.requests.length, b.requests.length]).toEqual([1, 1]);
  });

  test("that rejects the request leaves the first error", async () => {
    const { finish } = await read(
      answerError(404, { message: "No such model" }),
      answerError(400, { message: "No tools here" }),
    );
    expect(finish).toMatchObject({ status: "failed", error: { code: "server_error", message: "No such model" } });
  });

  test.each<[string, Answer, Answer, number]>([
    ["the first", BUSY, answerError(404, null), 30_000],
    ["a fallback", answerError(404, null), BUSY, 30_000],
    ["the model available sooner", BUSY, answerError(429, null, { "retry-after": "20" }), 20_000],
  ])("that fails too waits together with the first: %s", async (_name, first, second, afterMs) => {
    const { finish } = await read(first, second);
    expect(finish).toMatchObject({ status: "postponed", retryAfterMs: afterMs });
  });

  test("is not requested after a cancel", async () => {
    const arrived = Promise.withResolvers<void>();
    await using a = await startUpstreamServer(() => arrived.resolve());
    await using b = await startUpstreamServer(neverAnswer);
    const abort = new AbortController();
    const { run } = await open(a, b);
    const first = run(abort.signal)[Symbol.asyncIterator]().next();
    await arrived.promise;
    const reason = new Error("cancelled");
    abort.abort(reason);
    await expect(first).rejects.toBe(reason);
    await a.requests[0]!.closed;
    expect(b.requests).toEqual([]);
  });
});
