/** The first step of every response: it enters the set of open ones, if its project may have one more. */
import { projectFull, storageFull } from "../lifecycle/errors/limits.ts";
import { isTerminalStatus } from "../protocol/response.ts";
import { leaveOpen } from "./leave-open.ts";
import type { EnteringResponse, ProjectBounds } from "../store/open-responses.ts";
import type { Storage } from "./storage.ts";

const FULL_RETRY_SECONDS = 5;
/** How many of a full project's responses are looked at, from the oldest. */
const LOOKED_AT = 100;

/** Throws the contract's 429 if the project has as many open responses, or keeps as many bytes, as it may. */
export async function enterOpen(storage: Storage, bounds: ProjectBounds, entering: EnteringResponse): Promise<void> {
  const { project, bytes } = entering;
  let entered = await storage.open.enter(entering, bounds);
  if (entered.kind === "full") {
    await leaveThoseThatEnded(storage, project);
    entered = await storage.open.enter(entering, bounds);
  }
  if (entered.kind === "full") throw projectFull(bounds.maxOpen, FULL_RETRY_SECONDS);
  if (entered.kind === "storage") throw storageFull(bounds.maxStoredBytes, entered.kept, bytes);
}

/** Whoever has seen the end of a response must find its place free, though its worker may still be about to leave it. */
async function leaveThoseThatEnded(storage: Storage, project: string): Promise<void> {
  const ids = await storage.open.listOf(project, LOOKED_AT);
  const statuses = await Promise.all(ids.map((id) => storage.records.readStatus(id)));
  const ended = ids.filter((_id, i) => statuses[i] !== undefined && isTerminalStatus(statuses[i]));
  await Promise.all(ended.map((id) => leaveOpen(storage, id)));
}
