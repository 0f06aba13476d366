/** `GET /healthz`: this process answers. `GET /readyz`: it can also do its work. */
import { setTimeout as delay } from "node:timers/promises";
import { type RequestHandler, Router } from "express";

/** Each tells by `false`, or by throwing, that something is missing. */
export type ReadinessChecks = Record<string, () => unknown>;

/** Redis may hang rather than refuse: that is not ready either. */
const CHECK_TIMEOUT_MS = 2_000;

export interface ReadinessOptions {
  /** How much longer a check may take because replicas are asked. */
  replicaWaitMs?: number;
  /** What an operator should know although it works, each with its remedy. */
  warnings?: () => Promise<string[]>;
}

export function healthRoutes(checks: ReadinessChecks, options: ReadinessOptions = {}): Router {
  const router = Router();
  router.get("/healthz", healthz);
  router.get("/readyz", readyz(checks, options));
  return router;
}

const healthz: RequestHandler = (_request, response) => {
  response.json({ status: "ok" });
};

function readyz(
  checks: ReadinessChecks,
  { replicaWaitMs = 0, warnings = async () => [] }: ReadinessOptions,
): RequestHandler {
  const limitMs = CHECK_TIMEOUT_MS + replicaWaitMs;
  return async (_request, response) => {
    const entries = Object.entries(checks).map(async ([name, check]) => [name, await passes(check, limitMs)] as const);
    const results = Object.fromEntries(await Promise.all(entries));
    const isReady = Object.values(results).every(Boolean);
    // Of a Redis that is away the checks tell.
    const told = isReady ? await warnings().catch(() => []) : [];
    const body = { status: isReady ? "ready" : "unavailable", checks: results };
    response.status(isReady ? 200 : 503).json(told.length === 0 ? body : { ...body, warnings: told });
  };
}

async function passes(check: () => unknown, limitMs: number): Promise<boolean> {
  const timeout = new AbortController();
  const tooLate = delay(limitMs, false, { signal: timeout.signal }).catch(() => false);
  try {
    return (await Promise.race([Promise.try(check), tooLate])) !== false;
  } catch {
    return false;
  } finally {
    timeout.abort();
  }
}
