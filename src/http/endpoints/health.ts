/** `GET /healthz`: the process answers. `GET /readyz`: it can do its work. */
import { setTimeout as delay } from "node:timers/promises";
import { type RequestHandler, Router } from "express";
import type { QueueName } from "../../protocol/organization-queue.ts";
import type { Preflight } from "../../redis/preflight.ts";
import type { RedisClock } from "../../redis/redis-clock.ts";

/** A check fails if it returns `false`, throws, or times out. */
export type ReadinessChecks = Record<string, () => unknown>;

/** Redis may hang instead of rejecting a command. */
const CHECK_TIMEOUT_MS = 2_000;
/** A process that is not ready says so even if Redis does not answer. */
const WARNINGS_TIMEOUT_MS = 500;

export interface ReadinessOptions {
  /** Added to the timeout of each check, because a write waits for replicas. */
  replicaWaitMs?: number;
  /** Conditions that the process tolerates and the operator should correct. */
  warnings?: () => Promise<string[]>;
  /** Live workers by queue. A queue without workers is a warning: this process still accepts responses and shows them. */
  countWorkers?: () => Promise<WorkerCounts>;
}

export type WorkerCounts = Readonly<Record<QueueName, number>>;

export function healthRoutes(checks: ReadinessChecks, options: ReadinessOptions = {}): Router {
  const router = Router();
  router.get("/healthz", healthz);
  router.get("/readyz", readyz(checks, options));
  return router;
}

/** The results of Redis's preflight and of its clock, as a check and its warnings. */
export function checkRedis({ preflight, clock }: { preflight: Preflight; clock: Pick<RedisClock, "describeSkew"> }) {
  return {
    isUsable: async (): Promise<boolean> => {
      const { errors, waitReasons } = await preflight.check();
      return errors.length === 0 && waitReasons.length === 0;
    },
    listWarnings: async (): Promise<string[]> => {
      const { errors, waitReasons, warnings } = await preflight.check();
      const skew = clock.describeSkew();
      return [...errors, ...waitReasons, ...warnings, ...(skew === undefined ? [] : [skew])];
    },
  };
}

const healthz: RequestHandler = (_request, response) => {
  response.json({ status: "ok" });
};

function readyz(checks: ReadinessChecks, options: ReadinessOptions): RequestHandler {
  const timeoutMs = CHECK_TIMEOUT_MS + (options.replicaWaitMs ?? 0);
  return async (_request, response) => {
    const entries = Object.entries(checks).map(
      async ([name, check]) => [name, await passes(check, timeoutMs)] as const,
    );
    const results = Object.fromEntries(await Promise.all(entries));
    const isReady = Object.values(results).every(Boolean);
    const body = { status: isReady ? "ready" : "unavailable", checks: results };
    response
      .status(isReady ? 200 : 503)
      .json({ ...body, ...(isReady ? await describeReady(options) : await describeUnready(options)) });
  };
}

/** The workers and the warnings of a process that is ready. They come from Redis: if it fails, the checks report it. */
async function describeReady({ warnings, countWorkers }: ReadinessOptions) {
  const [listed = [], workers] = await Promise.all([
    warnings?.().catch(() => undefined),
    countWorkers?.().catch(() => undefined),
  ]);
  const unserved = Object.entries(workers ?? {}).flatMap(([queue, count]) => (count === 0 ? [queue] : []));
  const all = [...listed, ...unserved.map((queue) => `No worker serves the queue '${queue}': start a worker.`)];
  return { ...(workers !== undefined && { workers }), ...(all.length > 0 && { warnings: all }) };
}

/** What is wrong and what to do, if Redis still answers. */
async function describeUnready({ warnings }: ReadinessOptions): Promise<{ warnings?: string[] }> {
  const settled = new AbortController();
  const timeout = delay(WARNINGS_TIMEOUT_MS, undefined, { signal: settled.signal }).catch(() => undefined);
  const listed = await Promise.race([warnings?.().catch(() => undefined), timeout]);
  settled.abort();
  return listed === undefined || listed.length === 0 ? {} : { warnings: listed };
}

async function passes(check: () => unknown, timeoutMs: number): Promise<boolean> {
  const settled = new AbortController();
  const timeout = delay(timeoutMs, false, { signal: settled.signal }).catch(() => false);
  try {
    return (await Promise.race([(async () => await check())(), timeout])) !== false;
  } catch {
    return false;
  } finally {
    settled.abort();
  }
}
