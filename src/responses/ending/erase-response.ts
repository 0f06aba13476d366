/** DELETE: cancels a running response, so that open streams receive an end, and then erases everything. */
import { isTerminalStatus } from "../../protocol/response.ts";
import type { ResponseRecord } from "../../store/response-record.ts";
import { endFromOutside } from "./end-from-outside.ts";
import { settleEndedResponse } from "./settle-ended-response.ts";
import { assertEndPublished } from "../reading/publish-durable-end.ts";
import type { Storage } from "../storage.ts";

/** The log of a cancelled response stays this long, readable only to streams that were already open. */
const OPEN_STREAMS_SECONDS = 30;

export async function eraseResponse(storage: Storage, id: string, record: ResponseRecord): Promise<void> {
  const wasRunning = !isTerminalStatus(record.status);
  if (wasRunning) await endFromOutside(storage, id, "cancel");
  // The turn belongs to the conversation and survives the response.
  await assertEndPublished(storage, id);
  await settleEndedResponse(storage, id);
  // Before the record is erased: afterwards another DELETE answers 404 and could not correct the count.
  await storage.storedBytes.remove(record.project, id);
  await storage.records.erase(id, wasRunning ? OPEN_STREAMS_SECONDS : 0);
  // After the record: if this process crashes in between, lists skip the entry until it expires.
  await storage.responseList.index.remove(record.project, id);
  await storage.idempotency.release(record.idempotencyHash, id);
}
