/** How a response enters the queue in its class, is brought forward in it, and leaves what orders it. */
import { hasWindow, PRIORITIES, priorityAt, type QueueClass } from "../../queue/queue-class.ts";
import { isRedisUnavailable } from "../../redis/connect.ts";
import type { ContinuationMember } from "../../store/continuations.ts";
import type { ResponseContext } from "../storage.ts";

export interface QueueableResponse extends QueueClass, ContinuationMember {
  background: boolean;
}

/** Adds its job, unless there is one, in the class that it has by now: at admission, or when its job was lost. */
export async function queueResponse(
  { storage, queue }: Omit<ResponseContext, "logger">,
  response: QueueableResponse,
): Promise<void> {
  const { id, project, background, latestStartMs } = response;
  const nowMs = storage.clock.nowMs();
  const isEarly = latestStartMs > nowMs;
  // Before there is a job: one that is not in the set would never be promoted.
  if (isEarly) await storage.windowedResponses.add(id, latestStartMs);
  const isRelated = isEarly && hasWindow(response) && response.continuationId !== "";
  const next = isRelated ? await storage.continuations.addWaiting(response, latestStartMs, nowMs) : undefined;
  const priority = next === id ? PRIORITIES.related : priorityAt(response, nowMs);
  await queue.enqueue({ id, project, background, priority });
  if (next !== undefined && next !== id) await queue.changePriority(next, PRIORITIES.related);
}

/** A worker has begun it: one that is related to it is the next of those with a window. A hint must not cost a run. */
export async function prioritizeRelatedResponse(
  { storage, queue, logger }: ResponseContext,
  response: QueueableResponse & { deadlineMs: number },
): Promise<void> {
  if (!response.background || response.continuationId === "") return;
  try {
    const next = await storage.continuations.markRunning(response, response.deadlineMs, storage.clock.nowMs());
    if (next !== undefined) await queue.changePriority(next, PRIORITIES.related);
  } catch (err) {
    logger.warn({ err, responseId: response.id }, "Could not bring a related response forward");
  }
}

const PAGE_RESPONSES = 200;

/** From its latest start on, a response waits in the default tier, behind those that wait there already. */
export async function promoteDueResponses(context: ResponseContext): Promise<void> {
  const { storage } = context;
  const nowMs = storage.clock.nowMs();
  for (let offset = 0; ;) {
    const ids = await storage.windowedResponses.listDue(nowMs, offset, PAGE_RESPONSES);
    for (const id of ids) if (!(await tryPromote(context, id))) offset += 1;
    if (ids.length < PAGE_RESPONSES) return;
  }
}

/** One that cannot be promoted must not keep the others from it. False if it stays in the set. */
async function tryPromote(context: ResponseContext, id: string): Promise<boolean> {
  try {
    return await promoteResponse(context, id);
  } catch (err) {
    if (isRedisUnavailable(err)) throw err;
    context.logger.error({ err, responseId: id }, "Could not promote a response");
    return false;
  }
}

async function promoteResponse({ storage, queue, logger }: ResponseContext, id: string): Promise<boolean> {
  const outcome = await queue.changePriority(id, PRIORITIES.default);
  // It was taken from a lost worker, and is the next to run as it is.
  if (outcome === "first") return false;
  await storage.windowedResponses.remove(id);
  if (outcome === "changed") logger.info({ responseId: id }, "Latest start reached: no longer behind others");
  return true;
}
