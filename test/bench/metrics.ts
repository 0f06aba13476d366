/**
 * The price of metrics: how fast events are recorded and delivered with them, beside the same work without them, in turns.
 */
import { Metrics } from "../../src/telemetry/metrics/metrics.ts";
import { deliver, type DeliveryStage } from "./deliver.ts";
import { compare, type Figure, takeTurns } from "./figure.ts";
import { type Bench, nowMs } from "./measurement.ts";
import { Child, startApi } from "./processes.ts";
import { EVENTS, recordAll } from "./record.ts";
import { type BenchStorage, openBenchStorage, outputOf } from "./recording.ts";

const TURNS = 9;
const DELIVERY_TURNS = 5;
const LOAD = { subscribers: 4, events: 40_000, perSecond: 80_000 };
const WARM_UP = { ...LOAD, events: LOAD.events / 4 };
/** Metrics cost at most a twentieth. */
const TARGET = { kind: "ratio-at-least", value: 0.95 } as const;

export async function measureMetrics(bench: Bench): Promise<Figure[]> {
  return [await measureRecorded(bench), await measureDelivered(bench)];
}

async function measureRecorded(bench: Bench): Promise<Figure> {
  await using storage = await openBenchStorage(bench.redisUrl, "metrics");
  const drafts = outputOf(EVENTS);
  const without = async () => await recordAll(storage, drafts);
  const withMetrics = async () => {
    using _metrics = openMetrics(storage);
    return await recordAll(storage, drafts);
  };
  await takeTurns(2, without, withMetrics);
  return compare({
    name: "events recorded with metrics",
    unit: "1/s",
    limitName: "without metrics",
    turns: await takeTurns(TURNS, without, withMetrics),
    of: (perSecond) => perSecond,
    target: TARGET,
  });
}

/** Those of a worker. */
function openMetrics({ clock }: BenchStorage): Metrics {
  return new Metrics({
    kind: "worker",
    release: "0.0.0",
    models: { providers: [], listed: [], resolve: () => undefined },
    nowMs: clock.nowMs,
    readQueues: async () => [],
    readRedis: async () => [],
    clockSkewMs: () => 0,
    countReconnects: () => 0,
  });
}

async function measureDelivered(bench: Bench): Promise<Figure> {
  await using storage = await openBenchStorage(bench.redisUrl, "deliver");
  await using plain = await startApi(bench, "deliver");
  await using metered = await startApi(bench, "deliver", { METRICS_TOKEN: `token-${nowMs()}` });
  await using subscribers: DeliveryStage["subscribers"] = new Child(
    new URL("./children/subscribers.ts", import.meta.url),
  );
  await using recorder: DeliveryStage["recorder"] = new Child(new URL("./children/recorder.ts", import.meta.url));
  const stage = { storage, subscribers, recorder };
  const without = (load: typeof LOAD) => async () => await deliver({ ...stage, api: plain }, bench, load);
  const withMetrics = (load: typeof LOAD) => async () => await deliver({ ...stage, api: metered }, bench, load);
  await takeTurns(1, without(WARM_UP), withMetrics(WARM_UP));
  return compare({
    name: `events delivered to ${LOAD.subscribers} subscribers with metrics`,
    unit: "1/s",
    limitName: "without metrics",
    turns: await takeTurns(DELIVERY_TURNS, without(LOAD), withMetrics(LOAD)),
    of: (perSecond) => perSecond,
    target: TARGET,
  });
}
