/**
 * `npm run campaign:failovers`: replicas lag, are cut off, are promoted, and old primaries return, hundreds of times, while
 * responses end. Every count must be 0.
 *
 *     npm run campaign:failovers                   300 rounds
 *     npm run campaign:failovers -- --rounds 20
 */
import { parseArgs } from "node:util";
import { runFailovers } from "./failovers.ts";

const ROUNDS = 300;
const ROUNDS_PER_LINE = 10;
/** Far more than it takes: something hangs. */
const TIME_LIMIT_MS = 60 * 60_000;
const EXIT_ERRORS = 1;
const EXIT_INTERRUPTED = 130;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: String(ROUNDS) } } });
  const startedAtMs = Date.now();
  const { rounds, responses, errors } = await runFailovers(Number(values.rounds), (round) => {
    if (round % ROUNDS_PER_LINE === 0) say(`${round} rounds`);
  });
  const kinds = Object.entries(rounds).map(([kind, count]) => `${count} times ${kind}`);
  say(`\n${kinds.join(", ")}; ${Math.round((Date.now() - startedAtMs) / 1000)} s`);
  say(`  ${String(responses).padStart(6)}  responses accepted`);
  say(`  ${String(errors.stuck).padStart(6)}  of them never ended`);
  say(`  ${String(errors.unknown).padStart(6)}  of them unknown afterwards`);
  say(`  ${String(errors.inFlight).padStart(6)}  left in flight`);
  if (Object.values(errors).some((count) => count > 0)) process.exitCode = EXIT_ERRORS;
}

// Its servers end with this process (processes.ts, and the same in src/redis/local-server).
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(EXIT_INTERRUPTED));
setTimeout(() => {
  say(`The campaign has not ended after ${TIME_LIMIT_MS / 60_000} minutes.`);
  process.exit(EXIT_ERRORS);
}, TIME_LIMIT_MS).unref();

await main();
