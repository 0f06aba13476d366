/**
 * An operator sees at any time what a run waits for, and afterwards why it ended: from `GET /responses/:id/run` and from
 * the log at its default level. Real processes and a real provider over HTTP.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import type { EventTimeList, Run } from "../../src/protocol/run.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { pollUntil } from "../support/poll-until.ts";
import { type LogLine, type ServerProcess, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServer } from "../support/test-server.ts";
import {
  type Answer,
  answerError,
  completed,
  created,
  message,
  neverAnswer,
  startUpstreamServer,
  streamAndEnd,
} from "../support/upstream-server.ts";

const USAGE = { input_tokens: 1_000, output_tokens: 500, total_tokens: 1_500 };
const answer = streamAndEnd(created(), ...message(0, "msg_1", ["Hello"]), completed({ usage: USAGE }));
const RATE_LIMIT = { error: { message: "Slow down.", code: "rate_limit_exceeded" } };

/** Each provider answers by one rule; `priced` has a price, and `broken` has a fallback. */
const RULES: Record<string, [Answer, ...Answer[]]> = {
  priced: [answer],
  denied: [answerError(401, { error: { message: "Bad key sk-secret" } })],
  flaky: [answerError(500, { error: { message: "Overloaded." } }), answer],
  limited: [answerError(429, RATE_LIMIT, { "retry-after": "3000" })],
  silent: [neverAnswer],
  broken: [answerError(503, { error: { message: "Down." } })],
};
const servers = await Promise.all(
  Object.entries(RULES).map(async ([name, answers]) => [name, await startUpstreamServer(...answers)] as const),
);
const providers: Record<string, Record<string, unknown>> = Object.fromEntries(
  servers.map(([name, { url }]) => [name, { kind: "openai-responses", base_url: url }]),
);
providers["priced"]!["prices"] = { m: { input: 2, output: 10 } };
providers["broken"]!["fallbacks"] = ["priced/m"];
const folder = await mkdtemp(join(tmpdir(), "background-responses-runs-"));
const file = join(folder, "providers.json");
await writeFile(file, JSON.stringify({ providers: { ...providers, simulator: { kind: "simulator" } } }));

const environment = { KEY_PREFIX: uniquePrefix(), PROVIDERS_FILE: file, UPSTREAM_MAX_RETRIES: "1" };
const { api } = await openTestServer(environment);
afterAll(async () => {
  for (const [, server] of servers) await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const read = async (id: string): Promise<Run> => (await send<Run>("GET", `${api.url}/responses/${id}/run`)).body;
const ask = async (model: string): Promise<string> =>
  (await create(api.url, { model, input: "Hi", background: true })).id;

async function openWorker(): Promise<ServerProcess> {
  const worker = await startWorker(environment);
  onTestFinished(async () => await worker[Symbol.asyncDispose]());
  return worker;
}

/** The line of a response with this message. */
async function lineOf(from: ServerProcess, responseId: string, msg: string): Promise<LogLine> {
  return await from.line((line) => line["responseId"] === responseId && line.msg === msg, msg);
}

async function untilStep(id: string, type: Run["step"]["type"]): Promise<Run> {
  return await pollUntil(
    async () => await read(id),
    (run) => run.step.type === type,
  );
}

test("a response that no worker serves says so", async () => {
  const id = await ask("priced/m");
  const run = await read(id);
  expect(run).toMatchObject({ status: "queued", step: { type: "queued", workers: 0 }, attempts: [], worker: null });
  expect(run.step.since_ms).toBe(run.created_at_ms);
  await openWorker();
  await pollToEnd(api.url, id);
});

test("a finished run shows its times, usage and cost", async () => {
  const worker = await openWorker();
  const id = await ask("priced/m");
  await pollToEnd(api.url, id);
  const run = await read(id);
  expect(run).toMatchObject({
    model: "priced/m",
    served_model: "priced/m",
    step: { type: "ended" },
    attempts: [{ attempt: 1, end: "ended" }],
    turn_count: 1,
    usage: { input_tokens: 1_000, output_tokens: 500 },
    cost_usd: 0.007,
    error: null,
  });
  const times = [run.created_at_ms, run.started_at_ms, run.first_event_at_ms, run.ended_at_ms] as number[];
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  const accepted = await lineOf(api, id, "Response accepted");
  expect(accepted).toMatchObject({ project: "default", model: "priced/m", level: 30 });
  await lineOf(worker, id, "Attempt started");
  const ended = await lineOf(worker, id, "Response ended");
  expect(ended).toMatchObject({
    project: "default",
    status: "completed",
    attempts: 1,
    inputTokens: 1_000,
    outputTokens: 500,
    costUsd: 0.007,
    level: 30,
  });
  expect(ended["durationMs"]).toBe(run.ended_at_ms! - run.created_at_ms);
});

test("a rejected key is the cause of the failure", async () => {
  const worker = await openWorker();
  const id = await ask("denied/m");
  await pollToEnd(api.url, id);
  const cause = "denied: HTTP 401";
  expect((await read(id)).error).toEqual({
    code: "server_error",
    message: "The provider rejected this server's credentials.",
    cause,
  });
  const reason = "The provider rejected this server's credentials.";
  const line = { status: "failed", code: "server_error", reason, cause, level: 40 };
  expect(await lineOf(worker, id, "Response ended")).toMatchObject(line);
  expect(JSON.stringify(worker.lines)).not.toContain("sk-secret");
});

test("a retried call is a line with its cause", async () => {
  const worker = await openWorker();
  const id = await ask("flaky/m");
  await pollToEnd(api.url, id);
  expect(await lineOf(worker, id, "Model call failed, retrying")).toMatchObject({
    provider: "flaky",
    reason: "Overloaded. (HTTP 500)",
    retries: 1,
  });
  expect((await read(id)).attempts).toHaveLength(1);
});

test("a rate limit shows until when the run waits", async () => {
  const worker = await openWorker();
  const id = await ask("limited/m");
  const run = await untilStep(id, "waiting_for_provider");
  expect(run.step).toMatchObject({ provider: "limited", reason: "Slow down." });
  expect(run.step.type === "waiting_for_provider" && run.step.until_ms - run.step.since_ms).toBeGreaterThan(2_900_000);
  expect(run).toMatchObject({ wait_count: 1, attempts: [{ end: "waited", reason: "limited: Slow down." }] });
  expect(await lineOf(worker, id, "Waits in the queue for its provider")).toMatchObject({ provider: "limited" });
  await send("POST", `${api.url}/responses/${id}/cancel`);
  expect(await read(id)).toMatchObject({ status: "cancelled", step: { type: "ended" } });
  expect(await lineOf(api, id, "Response ended")).toMatchObject({ status: "cancelled" });
});

test("a silent provider shows a call since its start", async () => {
  await openWorker();
  const id = await ask("silent/m");
  const run = await untilStep(id, "calling_model");
  const { since_ms } = run.step;
  expect(run.step).toMatchObject({ provider: "silent", model: "m", turn: 1, silent_since_ms: since_ms });
  await send("POST", `${api.url}/responses/${id}/cancel`);
  expect((await read(id)).attempts).toMatchObject([{ end: "fenced", reason: "cancel" }]);
});

test("a fallback shows which model served", async () => {
  const worker = await openWorker();
  const id = await ask("broken/m");
  await pollToEnd(api.url, id);
  expect(await read(id)).toMatchObject({ model: "broken/m", served_model: "priced/m", cost_usd: 0.007 });
  expect(await lineOf(worker, id, "Model not available, asking its fallback")).toMatchObject({
    fallback: "priced/m",
    reason: "Down.",
  });
});

test("a lost worker is named by the one that resumes", async () => {
  const lost = await startWorker(environment);
  const { id } = await create(api.url, simulate({ tokens: 60, delay_ms: 100 }));
  const before = await untilStep(id, "calling_model");
  lost.kill("SIGKILL");
  await lost.exited;
  const worker = await openWorker();
  expect(await lineOf(worker, id, "Resuming after a lost worker")).toMatchObject({ lostWorker: before.worker });
  await pollToEnd(api.url, id);
  expect((await read(id)).attempts).toMatchObject([
    { worker: before.worker, end: "worker_lost" },
    { attempt: 2, end: "ended" },
  ]);
});

test("a worker that drains hands its run over", async () => {
  const draining = await startWorker({ ...environment, DRAIN_GRACE_MS: "200" });
  const { id } = await create(api.url, simulate({ tokens: 60, delay_ms: 100 }));
  await untilStep(id, "calling_model");
  await draining.stop();
  expect(await read(id)).toMatchObject({
    step: { type: "recovering", reason: "The worker is shutting down." },
    attempts: [{ end: "handed_over" }],
  });
  await lineOf(draining, id, "Handed over to another worker");
  await send("POST", `${api.url}/responses/${id}/cancel`);
});

test("each event has the time of its batch", async () => {
  await openWorker();
  const { id } = await create(api.url, simulate({ tokens: 40, delay_ms: 20 }));
  await pollToEnd(api.url, id);
  const run = await read(id);
  const path = `${api.url}/responses/${id}/event_times`;
  const { data, has_more } = (await send<EventTimeList>("GET", path)).body;
  expect(has_more).toBe(false);
  expect(data[0]).toEqual({ sequence_number: 0, recorded_at_ms: run.created_at_ms });
  expect(data.length).toBeGreaterThan(5);
  for (const [i, entry] of data.slice(1).entries()) {
    expect(entry.sequence_number).toBeGreaterThan(data[i]!.sequence_number);
    expect(entry.recorded_at_ms).toBeGreaterThanOrEqual(data[i]!.recorded_at_ms);
  }
  expect(data.at(-1)!.recorded_at_ms).toBeLessThanOrEqual(run.ended_at_ms!);
  // Pages join without a gap or a repetition.
  const paged: EventTimeList["data"] = [];
  for (let hasMore = true, after = ""; hasMore; after = `&after=${paged.at(-1)!.sequence_number}`) {
    const page = (await send<EventTimeList>("GET", `${path}?limit=2${after}`)).body;
    paged.push(...page.data);
    hasMore = page.has_more;
  }
  expect(paged).toEqual(data);
});

test("access lines name project, response and client", async () => {
  const id = await ask("priced/m");
  await read(id);
  const line = await api.line(({ url }) => url === `/v1/responses/${id}/run`, "the access line");
  expect(line).toMatchObject({ project: "default", responseId: id, clientAddress: "127.0.0.1" });
});
