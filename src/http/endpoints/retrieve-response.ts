/**
 * `GET /responses/:id`: the response as it is now, or its recorded stream from any point (contract.md#resuming).
 * The stream is chosen by `stream=true` alone: official clients send `Accept: application/json` with it.
 */
import type { RequestHandler, Response as HttpResponse } from "express";
import type { ApiContext } from "../../context.ts";
import { cursorBeyondLog } from "../../lifecycle/errors/requests.ts";
import { cursorNotRecorded } from "../../lifecycle/errors/server.ts";
import { responseNotFound } from "../../lifecycle/errors/state.ts";
import { isTerminalStatus } from "../../protocol/response.ts";
import { readResponse } from "../../responses/reading/read-response.ts";
import { repairInBackground } from "../../responses/reading/publish-end.ts";
import { isEndHidden, type ResponseRecord } from "../../store/response-record.ts";
import { createObfuscatingEncoder } from "../../stream/fan-out/frame.ts";
import { sendResponseJson } from "./create-response.ts";
import { openEventStream, acquireStream, whenClosed } from "../replies/event-stream.ts";
import { parseCursor, parseFlag, parseInclude, parseResponseId } from "../validation/validate.ts";

export function retrieveResponse(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseResponseId(request);
    const wantsStream = parseFlag(request.query, "stream");
    // A browser sends `Last-Event-ID` by itself; who writes `starting_after` is told what is wrong with it.
    const hasCursor = wantsStream || request.query["starting_after"] !== undefined;
    const cursor = hasCursor ? parseCursor(request) : undefined;
    const isObfuscated = parseFlag(request.query, "include_obfuscation");
    // Only checked: what was not recorded cannot be shown, and what was recorded is what its stream says.
    parseInclude(request.query);
    const record = await loadReadableRecord(context, id, response.locals.project);
    repairInBackground(context.storage, id, record, context.logger);
    if (!wantsStream) {
      await sendCurrent(context, id, response);
      return;
    }
    const last = record.durable ?? record.last;
    // Of an end that is not shown yet, more comes.
    const isOver = isTerminalStatus(record.status) && !isEndHidden(record);
    if (cursor !== undefined && cursor.value > last) {
      throw isOver ? cursorBeyondLog(cursor.value, last, cursor.source) : cursorNotRecorded(cursor.value, last);
    }
    const hasAll = isOver && cursor?.value === last;
    // An EventSource comes back after every end, unless it is answered so (contract.md#eventsource).
    if (hasAll && cursor.source === "Last-Event-ID") {
      response.status(204).end();
      return;
    }
    const isFollowing = !hasAll && request.method !== "HEAD";
    if (isFollowing) acquireStream(context.streamLimiter, response);
    const stallTimeoutMs = context.config.STREAM_STALL_TIMEOUT_MS;
    const sink = openEventStream(response, { isResumable: true, stallTimeoutMs });
    // HEAD is answered once its headers are: what followed would hold up the connection's next request.
    if (!isFollowing) {
      sink.end("terminal", undefined);
      return;
    }
    const from = cursor === undefined ? 0 : cursor.value + 1;
    const encode = isObfuscated ? { encode: createObfuscatingEncoder(id) } : {};
    const stop = context.hub.follow({ responseId: id, from, sink, ...encode });
    whenClosed(response, stop);
  };
}

/** Another project's response, a deleted one and one that nobody may read are all unknown (contract.md#ownership). */
export async function loadReadableRecord(context: ApiContext, id: string, project: string): Promise<ResponseRecord> {
  const record = await context.storage.records.readOwned(id, project);
  if (record === undefined || !record.readable) throw responseNotFound(id);
  return record;
}

async function sendCurrent(context: ApiContext, id: string, response: HttpResponse): Promise<void> {
  const read = await readResponse(context.storage, id);
  if (read === undefined) throw responseNotFound(id);
  if (!read.hasEnded) response.set("openai-poll-after-ms", String(context.config.POLL_AFTER_MS));
  sendResponseJson(response, read.json);
}
