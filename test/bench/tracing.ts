/**
 * The price of tracing: an API and a worker that trace every request, or that trace none of them by their sampler, beside
 * the same without tracing. The collector accepts everything at once, and runs in a process of its own.
 *
 * Two equal processes differ by some hundredths, because each compiles and lays out its code in its own way. So each
 * comparison is of several starts. The time of the processor says more than the speed if the machine is busy.
 */
import { post } from "./accept.ts";
import type { ListeningReply } from "./children/bare-queue.ts";
import { compare, type Figure, takeTurns, type Turn } from "./figure.ts";
import type { Bench } from "./measurement.ts";
import { Child, cpuMsOf, type ServerProcess, startApi, startWorker } from "./processes.ts";

const REQUESTS = 3_000;
const RUNS = 500;
const STARTS = 3;
const TURNS = 3;
/** A run of 100 words: four spans, and about 110 events. */
const RUN = JSON.stringify({
  model: "simulator/default",
  input: "Tell me about durable logs.",
  metadata: { "simulator.tokens": "100", "simulator.delay_ms": "0" },
});

interface Load {
  name: string;
  requests: number;
  /** Undefined for the request of `accept`. */
  body?: string;
  /** Otherwise the responses stay queued. */
  isRun: boolean;
}

const ACCEPTED: Load = { name: "background POSTs accepted", requests: REQUESTS, isRun: false };
const RUN_WHOLE: Load = { name: "whole runs of 100 words", requests: RUNS, body: RUN, isRun: true };

interface Price {
  perSecond: number;
  /** Of the API and the worker, in microseconds for each request. NaN where the system does not tell. */
  cpuUs: number;
}

export async function measureTracing(bench: Bench): Promise<Figure[]> {
  await using collector = new Child<object, ListeningReply>(new URL("./children/collector.ts", import.meta.url));
  const { port } = await collector.ask({});
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
  const unsampled = { ...traced, OTEL_TRACES_SAMPLER: "always_off" };
  return [
    ...(await measureLoad(bench, ACCEPTED, "traced", traced)),
    ...(await measureLoad(bench, ACCEPTED, "none sampled", unsampled)),
    ...(await measureLoad(bench, RUN_WHOLE, "traced", traced)),
  ];
}

async function measureLoad(bench: Bench, load: Load, how: string, tracing: Record<string, string>): Promise<Figure[]> {
  const turns: Turn<Price>[] = [];
  for (let start = 0; start < STARTS; start += 1) turns.push(...(await measureStart(bench, load, how, tracing)));
  const shared = { limitName: "the same without tracing", turns };
  const speed = compare({
    ...shared,
    name: `${load.name}, ${how}`,
    unit: "1/s",
    of: ({ perSecond }) => perSecond,
    target: { kind: "ratio-at-least", value: 0.95 },
  });
  if (turns.some(({ ours }) => Number.isNaN(ours.cpuUs))) return [speed];
  return [speed, compare({ ...shared, name: "  processor time of each", unit: "µs", of: ({ cpuUs }) => cpuUs })];
}

async function measureStart(
  bench: Bench,
  load: Load,
  how: string,
  tracing: Record<string, string>,
): Promise<Turn<Price>[]> {
  await using plain = await startServers(bench, load, `plain ${how}`, {});
  await using ours = await startServers(bench, load, how, tracing);
  // The code that both run often is compiled then.
  await takeTurns(
    1,
    () => plain.run(),
    () => ours.run(),
  );
  return await takeTurns(
    TURNS,
    () => plain.run(),
    () => ours.run(),
  );
}

async function startServers(bench: Bench, { isRun, requests, body }: Load, name: string, more: Record<string, string>) {
  await using started = new AsyncDisposableStack();
  // Responses of another load stay queued.
  const prefix = `${isRun ? "runs" : "accept"}-${name.replaceAll(" ", "-")}`;
  const api = started.use(await startApi(bench, prefix, more));
  const servers: ServerProcess[] = [api];
  if (isRun) servers.push(started.use(await startWorker(bench, prefix, more)));
  const cpuMs = (): number => servers.reduce((sum, { pid }) => sum + cpuMsOf(pid), 0);
  const run = async (): Promise<Price> => {
    const before = cpuMs();
    const { perSecond } = await post(api.port, requests, body);
    return { perSecond, cpuUs: ((cpuMs() - before) / requests) * 1_000 };
  };
  const stack = started.move();
  return { run, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
