/** `GET /organization/workers`: the live workers (contract.md#workers-and-queues). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import type { Worker } from "../../../protocol/organization-queue.ts";
import type { LiveWorker } from "../../../store/worker-registry.ts";

export function listWorkers({ storage }: ApiContext): RequestHandler {
  return async (_request, response) => {
    const workers = await storage.workers.list();
    response.json({ object: "list", data: workers.map(describe) });
  };
}

function describe({ id, version, startedAtMs, seenAtMs, queues }: LiveWorker): Worker {
  const times = { started_at_ms: startedAtMs, seen_at_ms: seenAtMs };
  return { object: "organization.worker", id, version, ...times, queues };
}
