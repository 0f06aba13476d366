/** The first step of every response: it enters the set of open ones, if its project may have one more. */
import { projectFull, storageFull } from "../../lifecycle/errors/limits.ts";
import { isTerminalStatus } from "../../protocol/response.ts";
import { removeInFlight } from "../ending/remove-in-flight.ts";
import type { EncodedRecord } from "../../store/encoded-record.ts";
import type { InFlightAddition, ProjectLimits, LimitExceeded } from "../../store/in-flight-responses.ts";
import type { Storage } from "../storage.ts";

const FULL_RETRY_SECONDS = 5;
/** How many of a full project's responses are looked at, from the oldest. */
const CHECKED_WHEN_FULL = 100;

/** Throws the contract's 429 if the project has as many open responses, or keeps as many bytes, as it may. */
export async function addInFlight(storage: Storage, limits: ProjectLimits, addition: InFlightAddition): Promise<void> {
  await addWithinLimits(storage, limits, addition, () => storage.inFlight.addWithinLimits(addition, limits));
}

/** The same, and writes the record in that step. False if it was there already. */
export async function acceptInOneStep(
  storage: Storage,
  limits: ProjectLimits,
  addition: InFlightAddition,
  record: EncodedRecord,
): Promise<boolean> {
  const accept = () => storage.records.acceptInOneStep(record, addition, limits);
  return (await addWithinLimits(storage, limits, addition, accept)).isNew;
}

/** `enter`, and once more when those of a full project that have ended are out of its way. */
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

/** Whoever has seen the end of a response must find its place free, though its worker may still be about to leave it. */
async function removeEndedResponses(storage: Storage, project: string): Promise<void> {
  const ids = await storage.inFlight.listOfProject(project, CHECKED_WHEN_FULL);
  const statuses = await Promise.all(ids.map((id) => storage.records.readStatus(id)));
  const ended = ids.filter((_id, i) => statuses[i] !== undefined && isTerminalStatus(statuses[i]));
  await Promise.all(ended.map((id) => removeInFlight(storage, id)));
}
