/** Responses that wait in the background queue, accepted whenever a test says, and the order in which a worker runs them. */
import { newId } from "../../src/protocol/id.ts";
import type { ResolvedRequest } from "../../src/protocol/create-request.ts";
import { queueClassOf } from "../../src/queue/queue-class.ts";
import { queueResponse } from "../../src/responses/admission/queue-response.ts";
import type { TestStorage } from "./storage.ts";
import type { ServerProcess } from "./processes.ts";
import { sampleRecord } from "./samples.ts";

export const HOUR_MS = 60 * 60_000;
export const RESERVE_MS = HOUR_MS / 2;

export interface QueuedRequest {
  window?: "2h" | "8h";
  continuation?: string;
  tier?: NonNullable<ResolvedRequest["service_tier"]>;
  project?: string;
  /** Since its acceptance. */
  ageMs?: number;
  metadata?: Record<string, string>;
  model?: string;
}

/** As admission leaves it, `ageMs` ago: its record, its place among the open ones, and its job. */
export async function acceptResponse(storage: TestStorage, waiting: QueuedRequest): Promise<string> {
  const { window, continuation, tier, ageMs = 0, metadata = SHORT, model = "simulator/default" } = waiting;
  const id = newId("resp");
  const request: ResolvedRequest = {
    model,
    metadata,
    background: true,
    ...(tier !== undefined && { service_tier: tier }),
    background_options: { completion_window: window ?? "soonest", continuation_id: continuation },
  };
  const createdAtMs = Date.now() - ageMs;
  const record = sampleRecord({
    id,
    createdAtMs,
    ...queueClassOf(request, createdAtMs, RESERVE_MS, HOUR_MS),
    continuationId: continuation ?? "",
    deadlineMs: Date.now() + HOUR_MS,
    request: { request, ancestors: [] },
    ...(waiting.project !== undefined && { project: waiting.project }),
  });
  await storage.inFlight.add(id, createdAtMs);
  await storage.records.create(record);
  await queueResponse(storage, record);
  return id;
}

const SHORT = { "simulator.tokens": "2", "simulator.delay_ms": "0" };
export const HANGING = { "simulator.hang": "true" };

/** As if the time until its latest start were over. */
export async function makeDue({ redis, layout, clock }: TestStorage, id: string): Promise<void> {
  // By the clock that is asked whether it is due: Redis's, which may be some milliseconds behind this process's.
  const nowMs = clock.nowMs() - 1_000;
  await redis.hset(layout.meta(id), "latestStartMs", String(nowMs));
  await redis.zadd(layout.windowed, "XX", nowMs, id);
}

/** The ids of the runs that the worker has ended, as soon as there are `count`. It must log what is for debugging. */
export async function waitForRuns(worker: ServerProcess, count: number): Promise<unknown[]> {
  const overs = () => worker.lines.filter(({ msg }) => msg === "Run over").map((line) => line["responseId"]);
  await worker.line(() => overs().length >= count, `${count} runs`);
  return overs();
}
