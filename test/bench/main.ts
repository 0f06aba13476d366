/**
 * `npm run bench`: measures this server and, in the same minutes, the limit of this machine. Prints a table and writes
 * bench-results.json.
 *
 *     npm run bench                               all of them, about four minutes
 *     npm run bench -- replay record              some
 *     npm run bench -- replay --profile <folder>  with CPU profiles of the API
 */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { ensureRedis } from "../../src/local/redis/local-server.ts";
import { measureAccepting } from "./accept.ts";
import { measureDelivering } from "./deliver.ts";
import { measureFailover } from "./failover.ts";
import { measureFairness } from "./fairness.ts";
import type { Figure } from "./figure.ts";
import { measureFiles } from "./files.ts";
import { measureHalfOpen } from "./half-open.ts";
import { measureHeldCall } from "./held-call.ts";
import { measureHostileBodies } from "./hostile-bodies.ts";
import { measureLatency } from "./latency.ts";
import type { Measurement } from "./measurement.ts";
import { measureListing } from "./list.ts";
import { measureLoop } from "./loop.ts";
import { measureMemory } from "./memory.ts";
import { measureMetrics } from "./metrics.ts";
import { measureRecording } from "./record.ts";
import { connectTo } from "./recording.ts";
import { measureRecovery } from "./recover.ts";
import { measureReplaying } from "./replay.ts";
import { formatTable, writeResults } from "./report.ts";
import { measureSearching } from "./search.ts";
import { measureTracing } from "./tracing.ts";
import { measureValidating } from "./validate.ts";
import { measureWebhooks } from "./webhooks.ts";

const MEASUREMENTS: readonly Measurement[] = [
  { name: "validate", run: measureValidating },
  { name: "hostile", run: measureHostileBodies },
  { name: "accept", run: measureAccepting },
  { name: "record", run: measureRecording },
  { name: "deliver", run: measureDelivering },
  { name: "latency", run: measureLatency },
  { name: "replay", run: measureReplaying },
  { name: "list", run: measureListing },
  { name: "files", run: measureFiles },
  { name: "search", run: measureSearching },
  { name: "loop", run: measureLoop },
  { name: "held-call", run: measureHeldCall },
  { name: "metrics", run: measureMetrics },
  { name: "memory", run: measureMemory },
  { name: "recover", run: measureRecovery },
  { name: "failover", run: measureFailover },
  { name: "half-open", run: measureHalfOpen },
  { name: "fairness", run: measureFairness },
  { name: "tracing", run: measureTracing },
  { name: "webhooks", run: measureWebhooks },
];

const RESULTS = join(import.meta.dirname, "../../bench-results.json");
/** Far more than a run takes: something hangs. */
const TIME_LIMIT_MS = 15 * 60_000;
const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { profile: { type: "string" } },
  });
  const chosen = choose(positionals);
  const dataDir = await mkdtemp(join(tmpdir(), "background-responses-bench-"));
  process.on("exit", () => rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 }));
  await using redis = await ensureRedis({ dataDir, allowInstall: true, log: say, environment: process.env });
  const client = await connectTo(redis.url);
  const bench = { redisUrl: redis.url, profileInto: values.profile };
  const startedAt = new Date();
  const figures: Figure[] = [];
  for (const { name, run } of chosen) {
    say(`${name} …`);
    await client.flushall();
    // A failed measurement leaves the others their figures.
    figures.push(...(await run(bench).catch(failedOf(name))));
  }
  const redisVersion = /^redis_version:(\S+)/m.exec(await client.info("server"))?.[1] ?? "unknown";
  client.disconnect();
  const seconds = (Date.now() - startedAt.getTime()) / 1000;
  process.stdout.write(`\n${formatTable(figures)}\n\n`);
  await writeResults(RESULTS, { startedAt, seconds, redisVersion, figures });
  say(`${Math.round(seconds)} seconds; written to ${basename(RESULTS)}`);
}

function failedOf(name: string): (error: unknown) => Figure[] {
  return (error) => {
    say(`${name} failed: ${describe(error)}`);
    process.exitCode = EXIT_FAILED;
    return [];
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function choose(names: readonly string[]): readonly Measurement[] {
  const unknown = names.find((name) => !MEASUREMENTS.some((measurement) => measurement.name === name));
  if (unknown !== undefined) {
    const known = MEASUREMENTS.map(({ name }) => name).join(", ");
    throw new Error(`There is no measurement '${unknown}'. There are: ${known}.`);
  }
  return names.length === 0 ? MEASUREMENTS : MEASUREMENTS.filter(({ name }) => names.includes(name));
}

// Running processes then end with this process (processes.ts, and the same in src/redis/local-server).
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(EXIT_INTERRUPTED));
setTimeout(() => {
  say("The benchmark takes too long; something hangs.");
  process.exit(EXIT_FAILED);
}, TIME_LIMIT_MS).unref();

await main().then(
  () => process.exit(),
  (error: unknown) => {
    say(describe(error));
    process.exit(EXIT_FAILED);
  },
);
