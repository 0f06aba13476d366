/** `GET /healthz`: this process answers. `GET /readyz`: it can also take work: Redis and the queue answer. */
import type { RequestHandler } from "express";
import type { ApiContext } from "../context.ts";

export const healthz: RequestHandler = (_request, response) => {
  response.json({ status: "ok" });
};

export function readyz(context: ApiContext): RequestHandler {
  return async (_request, response) => {
    const checks = {
      redis: await answers(() => context.storage.redis.ping()),
      queue: await answers(() => context.storage.queue.check()),
      accepting: !context.isDraining,
    };
    const isReady = Object.values(checks).every(Boolean);
    response.status(isReady ? 200 : 503).json({ status: isReady ? "ready" : "unavailable", checks });
  };
}

async function answers(check: () => Promise<unknown>): Promise<boolean> {
  return await check().then(
    () => true,
    () => false,
  );
}
