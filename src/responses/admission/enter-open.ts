/** The first step of every response: it enters the set of open ones, if its project may have one more. */
import { projectFull, storageFull } from "../../lifecycle/errors/limits.ts";
import { isTerminalStatus } from "../../protocol/response.ts";
import { leaveOpen } from "../ending/leave-open.ts";
import type { EncodedRecord } from "../../store/encoded-record.ts";
import type { EnteringResponse, ProjectBounds, Refusal } from "../../store/open-responses.ts";
import type { Storage } from "../storage.ts";

const FULL_RETRY_SECONDS = 5;
/** How many of a full project's responses are looked at, from the oldest. */
const LOOKED_AT = 100;

/** Throws the contract's 429 if the project has as many open responses, or keeps as many bytes, as it may. */
export async function enterOpen(storage: Storage, bounds: ProjectBounds, entering: EnteringResponse): Promise<void> {
  await withinBounds(storage, bounds, entering, () => storage.open.enter(entering, bounds));
}

/** The same, and writes the record in that step. False if it was there already. */
export async function acceptAtOnce(
  storage: Storage,
  bounds: ProjectBounds,
  entering: EnteringResponse,
  record: EncodedRecord,
): Promise<boolean> {
  const accept = () => storage.records.accept(record, entering, bounds);
  return (await withinBounds(storage, bounds, entering, accept)).isNew;
}

/** `enter`, and once more when those of a full project that have ended are out of its way. */
async function withinBounds<T extends { kind: "entered" | "accepted" }>(
  storage: Storage,
  bounds: ProjectBounds,
  { project, bytes }: EnteringResponse,
  enter: () => Promise<T | Refusal>,
): Promise<T> {
  let entered = await enter();
  if (entered.kind === "full") {
    await leaveThoseThatEnded(storage, project);
    entered = await enter();
  }
  if (entered.kind === "full") throw projectFull(bounds.maxOpen, FULL_RETRY_SECONDS);
  if (entered.kind === "storage") throw storageFull(bounds.maxStoredBytes, entered.kept, bytes);
  return entered;
}

/** Whoever has seen the end of a response must find its place free, though its worker may still be about to leave it. */
async function leaveThoseThatEnded(storage: Storage, project: string): Promise<void> {
  const ids = await storage.open.listOf(project, LOOKED_AT);
  const statuses = await Promise.all(ids.map((id) => storage.records.readStatus(id)));
  const ended = ids.filter((_id, i) => statuses[i] !== undefined && isTerminalStatus(statuses[i]));
  await Promise.all(ended.map((id) => leaveOpen(storage, id)));
}
