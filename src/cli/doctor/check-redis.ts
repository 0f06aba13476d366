/** Redis as the server needs it, its clock, and the workers that have announced themselves in it. */
import type { Config } from "../../config/config.ts";
import { examineRedis, type ExaminedRedis } from "../../context/examine-redis.ts";
import { type Finding, messageOf, ok, problem, warning } from "./finding.ts";

const TIMEOUT_MS = 5_000;
const TOLERATED_SKEW_MS = 5_000;

/** Without REDIS_URL, `start` runs a Redis of its own, which only its own processes know. */
export async function checkRedis(config: Config, isConfigured: boolean): Promise<Finding[]> {
  const unreachable = new Error(`It does not answer within ${TIMEOUT_MS / 1_000} s.`);
  const stopping = new AbortController();
  const timer = setTimeout(() => stopping.abort(unreachable), TIMEOUT_MS);
  try {
    const examined = await examineRedis(config, stopping.signal);
    return [...describeServer(examined), describeClock(examined), ...describeWorkers(examined)];
  } catch (error) {
    if (error !== unreachable) return [problem("Redis", messageOf(error), "Correct REDIS_URL.")];
    if (isConfigured) return [problem("Redis", unreachable.message, "Start Redis, or correct REDIS_URL.")];
    const message = `REDIS_URL is not set, and no Redis answers at ${config.REDIS_URL}.`;
    return [warning("Redis", message, "`background-responses start` brings one; `api` and `worker` need REDIS_URL.")];
  } finally {
    clearTimeout(timer);
  }
}

function describeServer({ findings }: ExaminedRedis): Finding[] {
  const { errors, waitReasons, warnings } = findings;
  const found = [
    ...[...errors, ...waitReasons].map((sentence) => problem("Redis", sentence)),
    ...warnings.map((sentence): Finding => ({ level: "warning", subject: "Redis", message: sentence })),
  ];
  return found.length > 0 ? found : [ok("Redis", "It answers, and is configured for this server.")];
}

function describeClock({ clockSkewMs }: ExaminedRedis): Finding {
  const seconds = Math.abs(clockSkewMs / 1_000).toFixed(1);
  if (Math.abs(clockSkewMs) <= TOLERATED_SKEW_MS) return ok("clock", `It differs from Redis's by ${seconds} s.`);
  const message = `This machine's clock is ${seconds} s ${clockSkewMs > 0 ? "ahead of" : "behind"} Redis's.`;
  return warning("clock", message, "Set both by NTP: signatures of webhooks and certificates depend on it.");
}

function describeWorkers({ workers }: ExaminedRedis): Finding[] {
  return Object.entries(workers).map(([queue, count]) =>
    count > 0
      ? ok("workers", `${count} serve the ${queue} queue.`)
      : warning("workers", `None serves the ${queue} queue.`, "Run `background-responses worker`."),
  );
}
