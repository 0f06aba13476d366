/**
 * The last resort for a response that `endFromOutside` cannot end, for example because its record or its log is unreadable. It
 * must not block its conversation, its project's limit or the sweeper forever. Each step runs even if the one before
 * failed. The conversation loses this turn.
 */
import type { Logger } from "pino";
import { createFailedEvent } from "../../lifecycle/lifecycle-events.ts";
import type { LifecycleEvent } from "../../protocol/event.ts";
import { isRedisUnavailable } from "../../redis/connect.ts";
import { sequenceEvents } from "../../stream/log/event-log.ts";
import { parseInSlices } from "../../concurrency/parse-in-slices.ts";
import { reportThresholds } from "./report-end.ts";
import { UNFINISHED_ERROR } from "./end-from-outside.ts";
import { leaveInFlight } from "./leave-in-flight.ts";
import type { Memberships } from "../../store/response-record.ts";
import type { Storage } from "../storage.ts";

/** For a record that cannot be read. */
const NO_MEMBERSHIPS: Memberships = {
  project: undefined,
  conversationId: "",
  continuationId: "",
  isWindowed: false,
  answers: "",
  retained: undefined,
  ending: undefined,
  run: undefined,
  end: undefined,
};

/** Throws only if Redis is unavailable, or if the id cannot be removed from the in-flight set. */
export async function abandonResponse(storage: Storage, id: string, logger: Logger): Promise<void> {
  const attempt = async <T>(name: string, step: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await step();
    } catch (err) {
      if (isRedisUnavailable(err)) throw err;
      logger.error({ err, responseId: id, step: name }, "Could not abandon a response completely");
      return undefined;
    }
  };
  await attempt("fail it", () => failWithoutOutput(storage, id));
  await attempt("stop its worker", () => storage.workerControl.abort(id));
  // The record says which queue holds the job, and may be unreadable.
  await attempt("remove its background job", () => storage.workerControl.removeJob({ id, background: true }));
  await attempt("remove its foreground job", () => storage.workerControl.removeJob({ id, background: false }));
  await attempt("remove it from the completion windows", () => storage.windowedResponses.remove(id));
  const memberships = await attempt("read its memberships", () => storage.records.readMemberships(id));
  const { project, conversationId = "", continuationId = "" } = memberships ?? {};
  if (project !== undefined && continuationId !== "") {
    const related = { id, project, continuationId };
    await attempt("end its part in its continuation", () =>
      storage.relatedResponses.markEnded(related, storage.clock.nowMs()),
    );
  }
  if (conversationId !== "") {
    await attempt("unlock its conversation", () => storage.conversations.appendAndUnlock(conversationId, id, []));
  }
  const { passed } = await leaveInFlight(storage, id, memberships ?? NO_MEMBERSHIPS, { isForced: true });
  if (project !== undefined) reportThresholds(project, passed);
}

/** Starts from the first event: later events may be the unreadable part. */
async function failWithoutOutput(storage: Storage, id: string): Promise<void> {
  const fence = await storage.leases.fence(id, "fail", UNFINISHED_ERROR);
  if (fence.kind !== "fenced") return;
  const [first] = await storage.fullLogReader.read(id, 0, 1);
  if (first === undefined) return;
  const { response } = await parseInSlices<LifecycleEvent>(first.data);
  const ending = createFailedEvent(
    { ...response, status: "in_progress", output: [] } as typeof response,
    UNFINISHED_ERROR,
  );
  const next = fence.last + 1;
  const { kind } = await storage.log.append(id, {
    lease: fence.lease,
    first: next,
    events: sequenceEvents(next, [ending]),
    status: ending.response.status,
  });
  if (kind !== "appended" && kind !== "duplicate") throw new Error(`Could not record the end of ${id}: ${kind}.`);
}
