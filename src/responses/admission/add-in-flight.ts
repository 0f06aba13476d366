/** The first step of every response: it enters the in-flight set, if its project's limits allow one more. */
import { projectFull, storageFull } from "../../lifecycle/errors/limits.ts";
import { isTerminalStatus } from "../../protocol/response.ts";
import type { EncodedRecord } from "../../store/encoded-record.ts";
import type { InFlightAddition, LimitExceeded, ProjectLimits } from "../../store/in-flight-responses.ts";
import { settleEndedResponse } from "../ending/settle-ended-response.ts";
import type { Storage } from "../storage.ts";
import { FULL_RETRY_SECONDS } from "./admission-limits.ts";

/** Responses of a full project that are checked for their end, oldest first. */
const CHECKED_WHEN_FULL = 100;

/** Throws the contract's 429 if the project has too many responses in flight, or too many stored bytes. */
export async function addInFlight(storage: Storage, limits: ProjectLimits, addition: InFlightAddition): Promise<void> {
  await addWithinLimits(storage, limits, addition, () => storage.inFlight.addWithinLimits(addition, limits));
}

/** Also writes the record, in the same step. False if the record existed. */
export async function acceptInOneStep(
  storage: Storage,
  limits: ProjectLimits,
  addition: InFlightAddition,
  record: EncodedRecord,
): Promise<boolean> {
  const accept = () => storage.records.acceptInOneStep(record, addition, limits);
  return (await addWithinLimits(storage, limits, addition, accept)).isNew;
}

/** If the project is full, removes its ended responses and retries once. */
async function addWithinLimits<T extends { kind: "entered" | "accepted" }>(
  storage: Storage,
  limits: ProjectLimits,
  { project, bytes }: InFlightAddition,
  add: () => Promise<T | LimitExceeded>,
): Promise<T> {
  let entered = await add();
  if (entered.kind === "full") {
    await removeEndedResponses(storage, project);
    entered = await add();
  }
  if (entered.kind === "full") throw projectFull(limits.maxOpen, FULL_RETRY_SECONDS);
  if (entered.kind === "storage") throw storageFull(limits.maxStoredBytes, entered.storedBytes, bytes);
  return entered;
}

/** A client that has seen a response end can create the next one, even before the worker removes the ended one. */
async function removeEndedResponses(storage: Storage, project: string): Promise<void> {
  const ids = await storage.inFlight.listOfProject(project, CHECKED_WHEN_FULL);
  const statuses = await Promise.all(ids.map((id) => storage.records.readStatus(id)));
  const ended = ids.filter((_id, i) => statuses[i] !== undefined && isTerminalStatus(statuses[i]));
  await Promise.all(ended.map((id) => settleEndedResponse(storage, id)));
}
