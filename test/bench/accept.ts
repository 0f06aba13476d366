/**
 * How fast the API alone accepts background responses: no worker runs. The limit is an Express handler that parses the
 * same JSON and only adds a job.
 */
import { Agent, request } from "node:http";
import autocannon from "autocannon";
import { compare, type Figure, percentile, takeTurns } from "./figure.ts";
import type { Bench } from "./measurement.ts";
import { Child, startApi } from "./processes.ts";
import type { ListeningReply } from "./children/bare-queue.ts";

const CONNECTIONS = 64;
const REQUESTS = 4_000;
const SINGLE_REQUESTS = 100;
const TURNS = 21;

const BODY = JSON.stringify({ model: "simulator/default", input: "Tell me about durable logs.", background: true });

interface Accepted {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  singleP50Ms: number;
  singleP99Ms: number;
}

export async function measureAccepting(bench: Bench): Promise<Figure[]> {
  await using api = await startApi(bench, "accept");
  await using bare = new Child<object, ListeningReply>(new URL("./children/bare-queue.ts", import.meta.url));
  const { port: barePort } = await bare.ask({ redisUrl: bench.redisUrl, works: false });
  for (const port of [barePort, api.port]) await post(port, REQUESTS);
  const turns = await takeTurns(
    TURNS,
    () => postBothWays(barePort),
    () => postBothWays(api.port),
  );
  const limitName = "Express 5 and queue.add alone";
  const by = (name: string, of: (result: Accepted) => number) => ({ name, unit: "ms", limitName, turns, of });
  return [
    compare({
      name: "background POSTs accepted",
      unit: "1/s",
      limitName,
      turns,
      of: (result) => result.perSecond,
      target: { kind: "ratio-at-least", value: 0.5 },
    }),
    compare(by(`  latency of ${CONNECTIONS} at once, p50`, (result) => result.p50Ms)),
    compare(by(`  latency of ${CONNECTIONS} at once, p99`, (result) => result.p99Ms)),
    compare(by("  latency of one at a time, p50", (result) => result.singleP50Ms)),
    compare(by("  latency of one at a time, p99", (result) => result.singleP99Ms)),
  ];
}

async function postBothWays(port: number): Promise<Accepted> {
  const { latencies, perSecond } = await post(port, REQUESTS);
  const single = await postOneByOne(port);
  return {
    perSecond,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
    singleP50Ms: percentile(single, 50),
    singleP99Ms: percentile(single, 99),
  };
}

/** autocannon counts in whole seconds and milliseconds, so this file takes the time. */
export async function post(
  port: number,
  amount: number,
  body = BODY,
): Promise<{ perSecond: number; latencies: number[] }> {
  const latencies: number[] = [];
  const startedMs = performance.now();
  let endedMs = startedMs;
  const load = autocannon({
    url: `http://127.0.0.1:${port}/v1/responses`,
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
    connections: CONNECTIONS,
    amount,
  });
  load.on("response", (_client, _status, _bytes, latencyMs) => {
    latencies.push(latencyMs);
    endedMs = performance.now();
  });
  const accepted = (await load)["2xx"];
  if (accepted !== amount) throw new Error(`${amount - accepted} of ${amount} POSTs were not accepted.`);
  return { latencies, perSecond: amount / ((endedMs - startedMs) / 1000) };
}

/** In milliseconds, each. */
async function postOneByOne(port: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const latencies: number[] = [];
  for (let i = 0; i < SINGLE_REQUESTS; i += 1) {
    const startedMs = performance.now();
    await postOnce(agent, port);
    latencies.push(performance.now() - startedMs);
  }
  agent.destroy();
  return latencies;
}

function postOnce(agent: Agent, port: number): Promise<void> {
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(BODY) };
  return new Promise((resolve, reject) => {
    request({ agent, port, host: "127.0.0.1", method: "POST", path: "/v1/responses", headers }, (response) => {
      response.resume().once("end", resolve).once("error", reject);
    })
      .once("error", reject)
      .end(BODY);
  });
}
