/**
 * The end of a response, where replicas are required. It is recorded first and shown once enough replicas have it; whoever
 * recorded it may have died, or waited in vain, in between. So everybody who finds a response over shows what is not shown
 * yet. A primary that was promoted without the end knows nothing of it: there the response still runs, and ends once more.
 */
import type { Logger } from "pino";
import { isTerminalStatus } from "../../protocol/response.ts";
import { isEndHidden, type ResponseRecord } from "../../store/response-record.ts";
import { ReplicasMissingError } from "../../stream/log/replica-acknowledgement.ts";
import type { Storage } from "../storage.ts";

/**
 * True if the response is over for all to see, or gone; false if it runs. Throws ReplicasMissingError if it is over and no
 * replica confirms it within a few seconds.
 */
export async function publishEnd(storage: Storage, id: string): Promise<boolean> {
  const progress = await storage.records.readProgress(id);
  if (progress === undefined) return true;
  if (!isTerminalStatus(progress.status)) return false;
  if (!isEndHidden(progress)) return true;
  const { kind } = await storage.log.publishDurable(id, progress.last);
  return kind !== "gap";
}

/** The same for one that has to be over. */
export async function assertEndPublished(storage: Storage, id: string): Promise<void> {
  if (!(await publishEnd(storage, id))) throw new ReplicasMissingError();
}

/**
 * For readers, who wait for nothing: shows an end that is hidden, and enters a response that runs into the set of open ones
 * if it is not there. A failover may have taken back its end and not its leave of the set: in Redis Cluster they lie on
 * different nodes.
 */
export function repairInBackground(storage: Storage, id: string, record: ResponseRecord, logger: Logger): void {
  const repair = isTerminalStatus(record.status)
    ? publishHiddenEnd(storage, id, record)
    : restoreInFlight(storage, id, record, logger);
  repair.catch((err: unknown) => logger.debug({ err, responseId: id }, "Could not look after a response"));
}

async function publishHiddenEnd(storage: Storage, id: string, record: ResponseRecord): Promise<void> {
  if (isEndHidden(record)) await publishEnd(storage, id);
}

export async function restoreInFlight(
  storage: Storage,
  id: string,
  record: ResponseRecord,
  logger: Logger,
): Promise<void> {
  if ((await storage.inFlight.acceptedAtMs(id)) !== undefined) return;
  // It may have ended since it was read. What runs by what is read after that is nobody's to end.
  const progress = await storage.records.readProgress(id);
  if (progress === undefined || isTerminalStatus(progress.status)) return;
  // Of many readers at once, one enters it.
  if (!(await storage.inFlight.add(id, record.createdAtMs))) return;
  logger.warn({ responseId: id }, "A response that runs was not among the open ones: entered again");
}
