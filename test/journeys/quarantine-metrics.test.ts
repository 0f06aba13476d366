/** A run in quarantine, a process of its own, counts in the metrics of its worker. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findFreePort } from "../../src/local/redis/private-server.ts";
import { create, pollToEnd, RedisInspector } from "../support/api-client.ts";
import { scrape } from "../support/metrics.ts";
import { pollUntil } from "../support/poll-until.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { completed, created, message, startUpstreamServer, stream, streamAndEnd } from "../support/upstream-server.ts";

const USAGE = {
  input_tokens: 1_000,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 500,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 1_500,
};

test("a worker counts the runs of its quarantine, and the crash of one", { timeout: 120_000 }, async () => {
  const silent = stream(created());
  const answer = streamAndEnd(created(), ...message(0, "msg_1", ["One ", "two."]), completed({ usage: USAGE }));
  // In two workers that are lost, alone, and alone again.
  await using upstream = await startUpstreamServer(silent, silent, silent, answer);
  const folder = await mkdtemp(join(tmpdir(), "journey-quarantine-"));
  const PROVIDERS_FILE = join(folder, "providers.json");
  const lab = { kind: "openai-responses", base_url: upstream.url, prices: { egret: { input: 10, output: 100 } } };
  await writeFile(PROVIDERS_FILE, JSON.stringify({ providers: { lab } }));
  const prefix = uniquePrefix();
  const environment = {
    KEY_PREFIX: prefix,
    PROVIDERS_FILE,
    METRICS_TOKEN: "token-of-prometheus",
    WORKER_PORT: String(await findFreePort()),
    LOCK_DURATION_MS: "1000",
    STALLED_INTERVAL_MS: "400",
    ISOLATE_AFTER_LOSSES: "1",
  };
  using inspector = new RedisInspector(prefix);
  await using api = await startApi(environment);
  const { id } = await create(api.url, { model: "lab/egret", input: "Count.", background: true });
  /** The process that makes this call. */
  const pidOfCall = async (count: number): Promise<number> => {
    await pollUntil(() => upstream.requests.length === count);
    // Its other side is killed, which breaks the connection.
    upstream.requests.at(-1)!.closed.catch(() => {});
    return Number((await inspector.meta(id))["worker"]!.split(":").at(-1));
  };
  for (const count of [1, 2]) {
    await using lost = await startWorker(environment);
    expect(await pidOfCall(count)).toBe(lost.child.pid);
    lost.kill("SIGKILL");
    await lost.exited;
  }

  await using worker = await startWorker(environment);
  const alone = await pidOfCall(3);
  expect(alone).not.toBe(worker.child.pid);
  process.kill(alone, "SIGKILL");
  expect((await pollToEnd(api.url, id)).status).toBe("completed");
  expect(upstream.requests).toHaveLength(4);

  const read = async () => await scrape(`http://127.0.0.1:${environment.WORKER_PORT}`, environment.METRICS_TOKEN);
  const scraped = await pollUntil(read, (each) => each.sum("attempts_total", { end: "ended" }) === 1);
  expect(scraped.sum("attempts_total", { end: "crashed" })).toBe(1);
  expect(scraped.sum("attempts_total")).toBe(2);
  expect(scraped.sum("responses_ended_total", { status: "completed", model: "lab/egret" })).toBe(1);
  expect(scraped.sum("response_duration_seconds_count", { status: "completed" })).toBe(1);
  const calledModel = { model: "lab/egret", status: "completed" };
  expect(scraped.sum("model_call_duration_seconds_count", calledModel)).toBe(1);
  expect(scraped.sum("model_call_duration_seconds_sum", calledModel)).toBeGreaterThan(0);
  expect(scraped.sum("tokens_total", { project: "default", type: "input" })).toBe(1_000);
  expect(scraped.sum("cost_usd_total")).toBeCloseTo(0.06);
  // The API recorded two events, and the first lost worker a third.
  expect(scraped.sum("events_recorded_total")).toBe((await inspector.log(id)).length - 3);
  // The process of the run has its own log, which the worker does not repeat.
  expect(worker.lines.filter(({ msg }) => msg === "Response ended")).toHaveLength(1);
  await rm(folder, { recursive: true });
});
