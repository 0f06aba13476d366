/** How long a stream pauses when every open connection to Redis stops answering, and none is closed; new ones work. */
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { Arrivals, createEndless } from "./arrivals.ts";
import { besideGiven, type Figure } from "./figure.ts";
import { follow } from "./follow.ts";
import { type Bench, nowMs } from "./measurement.ts";
import { startApi, startWorker } from "./processes.ts";

const REPETITIONS = 3;
const EVENTS_BEFORE = 20;
/** Of everything written and read meanwhile: the worker and the API replace their connections one after the other. */
const EVENTS_AFTER = 20;
/** The time that src/redis/liveness.ts waits for a sign of life. */
const SILENCE_S = 7;

export async function measureHalfOpen(bench: Bench): Promise<Figure[]> {
  const samples: number[] = [];
  for (let i = 0; i < REPETITIONS; i += 1) samples.push(await standstillSeconds(bench, `half-open-${i}`));
  const given = { name: "silence after which a connection is given up", value: SILENCE_S };
  return [besideGiven(`half-open connections to the next event, median of ${REPETITIONS}`, "s", samples, given)];
}

async function standstillSeconds(bench: Bench, prefix: string): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const proxy = stack.use(await startCuttingProxy(bench.redisUrl));
  const there = { ...bench, redisUrl: proxy.url.replace(/^http/, "redis") };
  const api = stack.use(await startApi(there, prefix));
  stack.use(await startWorker(there, prefix));
  const { id } = await createEndless(api.port);
  const events = new Arrivals();
  const followed = await follow(api.port, `/v1/responses/${id}?stream=true`, (event) => events.take(event));
  await events.after(EVENTS_BEFORE);
  const frozenMs = nowMs();
  proxy.freeze();
  const arrivedMs = await events.after(events.last + EVENTS_AFTER);
  followed.leave();
  return (arrivedMs - frozenMs) / 1000;
}
