/** DELETE: a running response is cancelled first, so that open streams get their end; then everything is erased. */
import { isTerminalStatus } from "../../protocol/response.ts";
import type { ResponseRecord } from "../../store/response-record.ts";
import { endResponse } from "./end-response.ts";
import { removeInFlight } from "./remove-in-flight.ts";
import { assertEndPublished } from "../reading/publish-end.ts";
import type { Storage } from "../storage.ts";

/** How long a log that was cut short stays for the streams that were following it. Nobody else can see it. */
const OPEN_STREAMS_SECONDS = 30;

export async function removeResponse(storage: Storage, id: string, record: ResponseRecord): Promise<void> {
  const wasRunning = !isTerminalStatus(record.status);
  if (wasRunning) await endResponse(storage, id, "cancel");
  // Its turn of a conversation is the conversation's: it stays when the response goes.
  await assertEndPublished(storage, id);
  await removeInFlight(storage, id);
  // Before the record goes: what is gone and counted still could not be deleted any more.
  await storage.storedBytes.remove(record.project, id);
  await storage.records.erase(id, wasRunning ? OPEN_STREAMS_SECONDS : 0);
  await storage.idempotency.release(record.idempotencyHash, id);
}
