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
    const described = await withTimeout(describeProcess(options), timeoutMs);
    response.status(isReady ? 200 : 503).json({ ...body, ...described });
  };
}

/** The workers and the warnings. They come from Redis: if it does not answer, the checks report it. */
async function describeProcess({ warnings, countWorkers }: ReadinessOptions) {
  const [listed = [], workers] = await Promise.all([
    warnings?.().catch(() => undefined),
    countWorkers?.().catch(() => undefined),
  ]);
  const unserved = Object.entries(workers ?? {}).flatMap(([queue, count]) => (count === 0 ? [queue] : []));
  const all = [...listed, ...unserved.map((queue) => `No worker serves the queue '${queue}': start a worker.`)];
  return { ...(workers !== undefined && { workers }), ...(all.length > 0 && { warnings: all }) };
}

async function passes(check: () => unknown, timeoutMs: number): Promise<boolean> {
  const TIMED_OUT = false;
  try {
    return (await withTimeout((async () => await check())(), timeoutMs, TIMED_OUT)) !== false;
  } catch {
    return false;
  }
}

async function withTimeout<T, Late = undefined>(work: Promise<T>, timeoutMs: number, late?: Late): Promise<T | Late> {
  const settled = new AbortController();
  const timeout = delay(timeoutMs, late as Late, { signal: settled.signal }).catch(() => late as Late);
  try {
    return await Promise.race([work, timeout]);
  } finally {
    settled.abort();
  }
}
