/** The first step of every response: it enters the in-flight set, if its project's limits allow one more. */
import {
  projectFull,
  spendLimitReached,
  storageFull,
  tooManyRequests,
  tooManyTokens,
} from "../../lifecycle/errors/limits.ts";
import type { ApiError } from "../../lifecycle/errors/api-error.ts";
import { isTerminalStatus } from "../../protocol/response.ts";
import type { EncodedRecord } from "../../store/encoded-record.ts";
import type { InFlightAddition, LimitExceeded } from "../../store/add-in-flight-script.ts";
import type { ProjectLimits, RequestRate } from "../../store/organization/project-limits.ts";
import { settleEndedResponse } from "../ending/settle-ended-response.ts";
import type { Storage } from "../storage.ts";
import { FULL_RETRY_SECONDS } from "./admission-limits.ts";

/** Responses of a full project that are checked for their end, oldest first. */
const CHECKED_WHEN_FULL = 100;

/** What the project may still create in this minute, as the request's last step learned it. */
export interface RequestRateState {
  /** Undefined if it is not known, or if requests are unlimited. */
  state?: RequestRate | undefined;
}

type RatedAddition = InFlightAddition & { rate: RequestRateState };

/** Throws the contract's 429 if the project has too many responses in flight, or too many stored bytes. */
export async function addInFlight(storage: Storage, limits: ProjectLimits, addition: RatedAddition): Promise<void> {
  await addWithinLimits(storage, addition, () => storage.inFlight.addWithinLimits(addition, limits));
}

/** Also writes the record, in the same step. False if the record existed. */
export async function acceptInOneStep(
  storage: Storage,
  limits: ProjectLimits,
  addition: RatedAddition,
  record: EncodedRecord,
): Promise<boolean> {
  const accept = () => storage.records.acceptInOneStep(record, addition, limits);
  return (await addWithinLimits(storage, addition, accept)).isNew;
}

/** If the project is full, removes its ended responses and retries once. */
async function addWithinLimits<T extends { kind: "entered" | "accepted" }>(
  storage: Storage,
  { project, bytes, rate }: RatedAddition,
  add: () => Promise<(T | LimitExceeded) & { rate: RequestRate | undefined }>,
): Promise<T> {
  let entered = await add();
  if (entered.kind === "full") {
    await removeEndedResponses(storage, project);
    entered = await add();
  }
  rate.state = entered.rate;
  if (isExceeded(entered)) throw limitError(entered, bytes);
  return entered;
}

function isExceeded(outcome: { kind: string }): outcome is LimitExceeded {
  return outcome.kind !== "entered" && outcome.kind !== "accepted";
}

function limitError(exceeded: LimitExceeded, bytes: number): ApiError {
  switch (exceeded.kind) {
    case "full":
      return projectFull(exceeded.limit, FULL_RETRY_SECONDS);
    case "storage":
      return storageFull(exceeded.limit, exceeded.storedBytes, bytes);
    case "spend":
      return spendLimitReached(exceeded.cents);
    case "tokens":
      return tooManyTokens(exceeded.limit, exceeded.resetSeconds);
    case "requests":
      return tooManyRequests(exceeded.rate?.limit ?? 0, exceeded.rate?.resetSeconds ?? 1);
  }
}

/** A client that has seen a response end can create the next one, even before the worker removes the ended one. */
async function removeEndedResponses(storage: Storage, project: string): Promise<void> {
  const ids = await storage.inFlight.listOfProject(project, CHECKED_WHEN_FULL);
  const statuses = await Promise.all(ids.map((id) => storage.records.readStatus(id)));
  const ended = ids.filter((_id, i) => statuses[i] !== undefined && isTerminalStatus(statuses[i]));
  await Promise.all(ended.map((id) => settleEndedResponse(storage, id)));
}
