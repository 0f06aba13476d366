/** How long a stream pauses when the primary crashes, its replica is promoted at once and the address leads there. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MAX_RECONNECT_DELAY_MS } from "../../src/redis/connect.ts";
import { RedisServer } from "../campaign/redis-server.ts";
import { startSwitchingProxy } from "../support/switching-proxy.ts";
import { Arrivals, createEndless } from "./arrivals.ts";
import { besideGiven, type Figure } from "./figure.ts";
import { follow } from "./follow.ts";
import { type Bench, nowMs } from "./measurement.ts";
import { startApi, startWorker } from "./processes.ts";

const REPETITIONS = 3;
const EVENTS_BEFORE = 20;
const PREFIX = "failover";

export async function measureFailover(bench: Bench): Promise<Figure[]> {
  const samples: number[] = [];
  for (let i = 0; i < REPETITIONS; i += 1) samples.push(await standstillSeconds(bench));
  const given = { name: "longest wait between two tries to connect", value: MAX_RECONNECT_DELAY_MS / 1000 };
  return [besideGiven(`failover of Redis to the next event, median of ${REPETITIONS}`, "s", samples, given)];
}

async function standstillSeconds(bench: Bench): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "background-responses-bench-"));
  stack.defer(async () => await rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const primary = stack.use(await RedisServer.start(join(folder, "primary")));
  const replica = stack.use(await RedisServer.start(join(folder, "replica"), primary.port));
  await replica.untilLinked();
  const address = stack.use(await startSwitchingProxy(primary.port));
  const there = { ...bench, redisUrl: address.url };
  const api = stack.use(await startApi(there, PREFIX));
  stack.use(await startWorker(there, PREFIX));
  const { id } = await createEndless(api.port);
  const events = new Arrivals();
  const followed = await follow(api.port, `/v1/responses/${id}?stream=true`, (event) => events.take(event));
  await events.after(EVENTS_BEFORE);
  const killedMs = nowMs();
  await primary.kill();
  await replica.lead();
  address.port = replica.port;
  const last = Number(await replica.redis.hget(`${PREFIX}:{${id}}:meta`, "last"));
  const arrivedMs = await events.after(last);
  followed.leave();
  return (arrivedMs - killedMs) / 1000;
}
