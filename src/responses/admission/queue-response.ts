/** The queue order of a waiting response: its class, its promotion, and the priority of related responses. */
import { hasWindow, PRIORITIES, priorityAt, type QueueClass } from "../../queue/queue-class.ts";
import { isRedisUnavailable } from "../../redis/connect.ts";
import type { ContinuationMember } from "../../store/related-responses.ts";
import type { ResponseContext } from "../storage.ts";

export interface QueueableResponse extends QueueClass, ContinuationMember {
  background: boolean;
}

/** Adds the job, unless it exists, with its current priority. Called at admission, and by the sweeper for a lost job. */
export async function queueResponse(
  { storage, queue }: Omit<ResponseContext, "logger">,
  response: QueueableResponse,
): Promise<void> {
  const { id, project, background, latestStartMs } = response;
  const nowMs = storage.clock.nowMs();
  const isEarly = latestStartMs > nowMs;
  // Before the job: a job whose response is not in this set is never promoted.
  if (isEarly) await storage.windowedResponses.add(id, latestStartMs);
  const isRelated = isEarly && hasWindow(response) && response.continuationId !== "";
  const next = isRelated ? await storage.relatedResponses.addWaiting(response, latestStartMs, nowMs) : undefined;
  const priority = next === id ? PRIORITIES.related : priorityAt(response, nowMs);
  await queue.enqueue({ id, project, background, priority });
  if (next !== undefined && next !== id) await queue.changePriority(next, PRIORITIES.related);
}

/** When a worker starts `response`, the next related one gets priority over others with a window. Never throws. */
export async function prioritizeRelatedResponse(
  { storage, queue, logger }: ResponseContext,
  response: QueueableResponse & { deadlineMs: number },
): Promise<void> {
  if (!response.background || response.continuationId === "") return;
  try {
    const next = await storage.relatedResponses.markRunning(response, response.deadlineMs, storage.clock.nowMs());
    if (next !== undefined) await queue.changePriority(next, PRIORITIES.related);
  } catch (err) {
    logger.warn({ err, responseId: response.id }, "Could not prioritize a related response");
  }
}

const PAGE_RESPONSES = 200;

/** At its latest start, a response moves to the end of the default tier. */
export async function promoteDueResponses(context: ResponseContext): Promise<void> {
  const { storage } = context;
  const nowMs = storage.clock.nowMs();
  for (let offset = 0; ;) {
    const ids = await storage.windowedResponses.listDue(nowMs, offset, PAGE_RESPONSES);
    for (const id of ids) if (!(await tryPromote(context, id))) offset += 1;
    if (ids.length < PAGE_RESPONSES) return;
  }
}

/** Logs an error, so that one response does not block the others. False if the response stays in the set. */
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
  // BullMQ recovered the job from a lost worker: it runs next.
  if (outcome === "first") return false;
  await storage.windowedResponses.remove(id);
  if (outcome === "changed") logger.info({ responseId: id }, "Latest start reached: response promoted");
  return true;
}
