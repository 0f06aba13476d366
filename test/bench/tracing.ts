/**
 * The price of tracing: an API and a worker that trace every request, beside the same without tracing. The collector
 * accepts everything at once, and runs in a process of its own.
 */
import { post } from "./accept.ts";
import type { ListeningReply } from "./children/bare-queue.ts";
import { compare, type Figure, takeTurns } from "./figure.ts";
import type { Bench } from "./measurement.ts";
import { Child, startApi, startWorker } from "./processes.ts";

const REQUESTS = 4_000;
const RUNS = 600;
const TURNS = 11;
/** A run of 100 words: four spans, and about 110 events. */
const RUN = JSON.stringify({
  model: "simulator/default",
  input: "Tell me about durable logs.",
  metadata: { "simulator.tokens": "100", "simulator.delay_ms": "0" },
});

interface Speeds {
  accepted: number;
  runs: number;
}

export async function measureTracing(bench: Bench): Promise<Figure[]> {
  await using collector = new Child<object, ListeningReply>(new URL("./children/collector.ts", import.meta.url));
  const { port } = await collector.ask({});
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
  await using plainApi = await startApi(bench, "plain");
  await using tracedApi = await startApi(bench, "traced", traced);
  const accept = async ({ port: of }: { port: number }) => (await post(of, REQUESTS)).perSecond;
  for (const api of [plainApi, tracedApi]) await accept(api);
  const accepted = await takeTurns(
    TURNS,
    () => accept(plainApi),
    () => accept(tracedApi),
  );
  // Under prefixes without queued responses.
  await using plainRuns = await startApi(bench, "plain-runs");
  await using tracedRuns = await startApi(bench, "traced-runs", traced);
  await using _plainWorker = await startWorker(bench, "plain-runs");
  await using _tracedWorker = await startWorker(bench, "traced-runs", traced);
  const run = async ({ port: of }: { port: number }) => (await post(of, RUNS, RUN)).perSecond;
  for (const api of [plainRuns, tracedRuns]) await run(api);
  const runs = await takeTurns(
    TURNS,
    () => run(plainRuns),
    () => run(tracedRuns),
  );
  const turns = accepted.map(({ limit, ours }, i) => ({
    limit: { accepted: limit, runs: runs[i]!.limit },
    ours: { accepted: ours, runs: runs[i]!.ours },
  }));
  const shared = { unit: "1/s", limitName: "the same without tracing", turns };
  const target = { kind: "ratio-at-least", value: 0.95 } as const;
  return [
    compare<Speeds>({ ...shared, name: "background POSTs accepted, traced", of: (speeds) => speeds.accepted, target }),
    compare<Speeds>({ ...shared, name: "whole runs of 100 words, traced", of: (speeds) => speeds.runs, target }),
  ];
}
