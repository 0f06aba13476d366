/** `GET /responses/:id/event_times`: when the events of the log were recorded (contract.md#the-run). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../context.ts";
import type { EventTimeList } from "../../protocol/run.ts";
import { loadReadableRecord } from "../resources/load-readable-response.ts";
import { parseResponseId } from "../validation/path-ids.ts";
import { parseEventTimesQuery } from "../validation/queries.ts";

export function listEventTimes(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseResponseId(request);
    const { after, limit } = parseEventTimesQuery(request.query);
    const { createdAtMs } = await loadReadableRecord(context, id, response.locals);
    const acceptedAtMs = Math.floor(createdAtMs);
    // The opening events are recorded with the acceptance.
    const opening = after === undefined ? [{ sequence_number: 0, recorded_at_ms: acceptedAtMs }] : [];
    const from = after === undefined ? 1 : after + 1;
    const { times, hasMore } = await context.storage.visibleLogReader.readTimes(id, from, limit - opening.length);
    const recorded = times.map(({ sequenceNumber, sinceAcceptedMs }) => ({
      sequence_number: sequenceNumber,
      recorded_at_ms: acceptedAtMs + sinceAcceptedMs,
    }));
    response.json({ object: "list", data: [...opening, ...recorded], has_more: hasMore } satisfies EventTimeList);
  };
}
