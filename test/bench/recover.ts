/** How long a stream pauses when its worker is killed, beside the time that the configuration allows. */
import { readConfig } from "../../src/config/config.ts";
import { Arrivals, createEndless } from "./arrivals.ts";
import { besideGiven, type Figure } from "./figure.ts";
import { follow } from "./follow.ts";
import { type Bench, nowMs } from "./measurement.ts";
import { type ServerProcess, startApi, startWorker } from "./processes.ts";
import { type BenchStorage, openBenchStorage } from "./recording.ts";

const REPETITIONS = 3;
const EVENTS_BEFORE = 20;

export async function measureRecovery(bench: Bench): Promise<Figure[]> {
  await using storage = await openBenchStorage(bench.redisUrl, "recover");
  await using api = await startApi(bench, "recover");
  await using workers = new AsyncDisposableStack();
  const alive = [workers.use(await startWorker(bench, "recover")), workers.use(await startWorker(bench, "recover"))];
  const samples: number[] = [];
  for (let i = 0; i < REPETITIONS; i += 1) {
    samples.push(await standstillSeconds(storage, api.port, alive));
    alive.push(workers.use(await startWorker(bench, "recover")));
  }
  const { LOCK_DURATION_MS, STALLED_INTERVAL_MS } = readConfig({});
  const given = { name: "lock duration and stalled interval", value: (LOCK_DURATION_MS + STALLED_INTERVAL_MS) / 1000 };
  const name = "SIGKILL of a worker to the next event";
  return [
    besideGiven(`${name}, median of ${REPETITIONS}`, "s", samples, given),
    besideGiven(`${name}, longest of ${REPETITIONS}`, "s", [Math.max(...samples)], given),
  ];
}

async function standstillSeconds(storage: BenchStorage, port: number, alive: ServerProcess[]): Promise<number> {
  const { id } = await createEndless(port);
  const events = new Arrivals();
  const followed = await follow(port, `/v1/responses/${id}?stream=true`, (event) => events.take(event));
  await events.after(EVENTS_BEFORE);
  const holder = await holderOf(storage, id, alive);
  const killedMs = nowMs();
  await holder.kill();
  const last = Number(await storage.redis.hget(storage.layout.meta(id), "last"));
  const arrivedMs = await events.after(last);
  followed.leave();
  await fetch(`http://127.0.0.1:${port}/v1/responses/${id}/cancel`, { method: "POST" });
  return (arrivedMs - killedMs) / 1000;
}

/** The worker that runs the response; it is removed from `alive`. A worker's name ends with its process id. */
async function holderOf(storage: BenchStorage, id: string, alive: ServerProcess[]): Promise<ServerProcess> {
  const name = await storage.redis.hget(storage.layout.meta(id), "worker");
  const index = alive.findIndex(({ pid }) => name?.endsWith(`:${pid}`));
  if (index < 0) throw new Error(`There is no worker ${name}.`);
  return alive.splice(index, 1)[0]!;
}
