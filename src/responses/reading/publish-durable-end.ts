/**
 * Makes the end of a response visible where replicas are required. A process records the end first and publishes it once
 * enough replicas have it. It may crash or time out in between, so every process that finds an unpublished end publishes
 * it. A promoted replica may lack the end: there the response runs and ends a second time.
 */
import type { Logger } from "pino";
import { isTerminalStatus } from "../../protocol/response.ts";
import { isEndHidden, type ResponseRecord } from "../../store/response-record.ts";
import { ReplicasMissingError } from "../../stream/log/replica-acknowledgement.ts";
import type { Storage } from "../storage.ts";

/**
 * True if every reader sees the end, or the response is gone. False if it runs. Throws ReplicasMissingError if replicas do
 * not confirm the end within a few seconds.
 */
export async function publishDurableEnd(
  { records, log }: Pick<Storage, "records" | "log">,
  id: string,
): Promise<boolean> {
  const progress = await records.readProgress(id);
  if (progress === undefined) return true;
  if (!isTerminalStatus(progress.status)) return false;
  if (!isEndHidden(progress)) return true;
  const { kind } = await log.publishDurable(id, progress.last);
  return kind !== "gap";
}

/** Like `publishDurableEnd`, but throws ReplicasMissingError if the response runs. */
export async function assertEndPublished(storage: Pick<Storage, "records" | "log">, id: string): Promise<void> {
  if (!(await publishDurableEnd(storage, id))) throw new ReplicasMissingError();
}

/**
 * For readers, which do not wait: publishes a hidden end, or restores a running response to the in-flight set. A failover
 * can undo the end without undoing the removal from the set, because Redis Cluster keeps the two on different nodes.
 */
export function repairInBackground(storage: Storage, id: string, record: ResponseRecord, logger: Logger): void {
  const repair = isTerminalStatus(record.status)
    ? publishHiddenEnd(storage, id, record)
    : restoreInFlight(storage, id, record, logger);
  repair.catch((err: unknown) => logger.debug({ err, responseId: id }, "Could not repair a response after a failover"));
}

async function publishHiddenEnd(
  storage: Pick<Storage, "records" | "log">,
  id: string,
  record: ResponseRecord,
): Promise<void> {
  if (isEndHidden(record)) await publishDurableEnd(storage, id);
}

export async function restoreInFlight(
  { inFlight, records }: Pick<Storage, "inFlight" | "records">,
  id: string,
  record: ResponseRecord,
  logger: Logger,
): Promise<void> {
  if ((await inFlight.acceptedAtMs(id)) !== undefined) return;
  // The response may have ended since the caller read its record.
  const progress = await records.readProgress(id);
  if (progress === undefined || isTerminalStatus(progress.status)) return;
  // One of several concurrent readers adds it.
  if (!(await inFlight.add(id, record.createdAtMs))) return;
  logger.warn({ responseId: id }, "Restored a running response to the in-flight set");
}
