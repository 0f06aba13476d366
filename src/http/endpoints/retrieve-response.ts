/**
 * `GET /responses/:id`: the response in its current state, or its stream from any event (contract.md#resuming). Only
 * `stream=true` selects the stream: official clients send `Accept: application/json` with it.
 */
import type { Request as HttpRequest, RequestHandler, Response as HttpResponse } from "express";
import type { ApiContext } from "../../context.ts";
import { cursorBeyondLog } from "../../lifecycle/errors/requests.ts";
import { cursorNotRecorded } from "../../lifecycle/errors/server.ts";
import { responseNotFound } from "../../lifecycle/errors/state.ts";
import { isTerminalStatus } from "../../protocol/response.ts";
import { repairInBackground } from "../../responses/reading/publish-durable-end.ts";
import { readResponse } from "../../responses/reading/read-response.ts";
import { isEndHidden, type ResponseRecord } from "../../store/response-record.ts";
import { createObfuscatingEncoder } from "../../stream/fan-out/frame.ts";
import { acquireStream, openEventStream, whenClosed } from "../replies/event-stream.ts";
import { sendResponseJson } from "../replies/send-json.ts";
import { loadReadableRecord } from "../resources/load-readable-response.ts";
import { parseCursor } from "../validation/cursor.ts";
import { parseResponseId } from "../validation/path-ids.ts";
import { parseFlag, parseInclude } from "../validation/queries.ts";

export function retrieveResponse(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseResponseId(request);
    const wantsStream = parseFlag(request.query, "stream");
    // Browsers add `Last-Event-ID` to any request, so a malformed one is an error only with a stream.
    const hasCursor = wantsStream || request.query["starting_after"] !== undefined;
    const cursor = hasCursor ? parseCursor(request) : undefined;
    const isObfuscated = parseFlag(request.query, "include_obfuscation");
    // Only validated: the answer always has what was recorded.
    parseInclude(request.query);
    const record = await loadReadableRecord(context, id, response.locals);
    repairInBackground(context.storage, id, record, context.logger);
    if (wantsStream) sendStream(context, { request, response, id, record, cursor, isObfuscated });
    else await sendCurrent(context, id, response);
  };
}

async function sendCurrent(context: ApiContext, id: string, response: HttpResponse): Promise<void> {
  const read = await readResponse(context.storage, id);
  if (read === undefined) throw responseNotFound(id);
  if (!read.hasEnded) response.set("openai-poll-after-ms", String(context.config.POLL_AFTER_MS));
  sendResponseJson(response, read.json);
}

interface StreamRequest {
  request: HttpRequest;
  response: HttpResponse;
  id: string;
  record: ResponseRecord;
  cursor: ReturnType<typeof parseCursor>;
  isObfuscated: boolean;
}

function sendStream(context: ApiContext, { request, response, id, record, cursor, isObfuscated }: StreamRequest): void {
  const last = record.durable ?? record.last;
  // While its end is hidden, the log has more events than clients may see.
  const isOver = isTerminalStatus(record.status) && !isEndHidden(record);
  if (cursor !== undefined && cursor.value > last) {
    throw isOver ? cursorBeyondLog(cursor.value, last, cursor.source) : cursorNotRecorded(cursor.value, last);
  }
  const hasAll = isOver && cursor?.value === last;
  // Without the 204, an EventSource reconnects after every end (contract.md#eventsource).
  if (hasAll && cursor.source === "Last-Event-ID") {
    response.status(204).end();
    return;
  }
  const isFollowing = !hasAll && request.method !== "HEAD";
  if (isFollowing) acquireStream(context.streamLimiter, response);
  const stallTimeoutMs = context.config.STREAM_STALL_TIMEOUT_MS;
  const sink = openEventStream(response, { isResumable: true, stallTimeoutMs });
  // A HEAD request ends with its headers: an open stream would block the connection's next request.
  if (!isFollowing) {
    sink.end("terminal", undefined);
    return;
  }
  const from = cursor === undefined ? 0 : cursor.value + 1;
  const encode = isObfuscated ? { encode: createObfuscatingEncoder(id) } : {};
  whenClosed(response, context.hub.follow({ responseId: id, from, sink, ...encode }));
}
