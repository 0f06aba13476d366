/**
 * The last resort for a response that cannot be ended as others are: its record, its log or its turn cannot be read, say.
 * It must not hold its conversation, its place among its project's or the sweeper for ever. What can still be done for it
 * is done, each part by itself; its turn of a conversation is lost.
 */
import type { Logger } from "pino";
import { createFailedEvent, responseError } from "../../lifecycle/lifecycle-events.ts";
import type { LifecycleEvent } from "../../protocol/event.ts";
import { isRedisUnavailable } from "../../redis/connect.ts";
import { sequenceEvents } from "../../stream/log/event-log.ts";
import { parseInSlices } from "../../concurrency/parse-in-slices.ts";
import type { Storage } from "../storage.ts";

const COULD_NOT_FINISH = responseError("server_error", "The response could not be finished.");

/** Throws only if Redis is away, or if the id could not leave the open set. */
export async function abandonResponse(storage: Storage, id: string, logger: Logger): Promise<void> {
  const attempt = async <T>(what: string, step: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await step();
    } catch (err) {
      if (isRedisUnavailable(err)) throw err;
      logger.error({ err, responseId: id, step: what }, "Could not do a part of abandoning a response");
      return undefined;
    }
  };
  await attempt("fail it", () => failWithoutOutput(storage, id));
  await attempt("stop its worker", () => storage.workerControl.abort(id));
  // Whether it ran in the background is in its record.
  await attempt("drop its job", () => storage.workerControl.removeJob({ id, background: true }));
  await attempt("drop its job", () => storage.workerControl.removeJob({ id, background: false }));
  await attempt("leave the completion windows", () => storage.windowedResponses.remove(id));
  const belonging = await attempt("read what it belongs to", () => storage.records.readMemberships(id));
  const { project, conversationId = "", continuationId = "" } = belonging ?? {};
  if (project !== undefined && continuationId !== "") {
    const related = { id, project, continuationId };
    await attempt("leave its continuation", () => storage.continuations.markEnded(related, storage.clock.nowMs()));
  }
  if (conversationId !== "") {
    await attempt("free its conversation", () => storage.conversations.appendAndUnlock(conversationId, id, []));
  }
  await storage.inFlight.forceRemove(id, project);
}

/** From its first event: what was put out since may be the very thing that cannot be read. */
async function failWithoutOutput(storage: Storage, id: string): Promise<void> {
  const fence = await storage.leases.fence(id, "fail", COULD_NOT_FINISH);
  if (fence.kind !== "fenced") return;
  const [first] = await storage.fullLogReader.read(id, 0, 1);
  if (first === undefined) return;
  const { response } = await parseInSlices<LifecycleEvent>(first.data);
  const ending = createFailedEvent(
    { ...response, status: "in_progress", output: [] } as typeof response,
    COULD_NOT_FINISH,
  );
  const from = fence.last + 1;
  const events = sequenceEvents(from, [ending]);
  const { kind } = await storage.log.append(id, {
    lease: fence.lease,
    first: from,
    events,
    status: ending.response.status,
  });
  if (kind !== "appended" && kind !== "duplicate") throw new Error(`The end of ${id} was not recorded: ${kind}.`);
}
