/** The first step of every response: it enters the set of open ones, if its project may have one more. */
import { projectFull } from "../lifecycle/errors/limits.ts";
import { isTerminalStatus } from "../protocol/response.ts";
import { leaveOpen } from "./leave-open.ts";
import type { Storage } from "./storage.ts";

const FULL_RETRY_SECONDS = 5;
/** How many of a full project's responses are looked at, from the oldest. */
const LOOKED_AT = 100;

/** Throws the contract's 429 if the project has `bound` open responses; 0 is no bound. */
export async function enterOpen(
  storage: Storage,
  bound: number,
  entering: { id: string; project: string; nowMs: number },
): Promise<void> {
  const { id, project, nowMs } = entering;
  if (bound === 0) return await storage.open.add(id, nowMs);
  const add = () => storage.open.addWithin(bound, project, id, nowMs);
  if (await add()) return;
  await leaveThoseThatEnded(storage, project);
  if (!(await add())) throw projectFull(bound, FULL_RETRY_SECONDS);
}

/** Whoever has seen the end of a response must find its place free, though its worker may still be about to leave it. */
async function leaveThoseThatEnded(storage: Storage, project: string): Promise<void> {
  const ids = await storage.open.listOf(project, LOOKED_AT);
  const statuses = await Promise.all(ids.map((id) => storage.records.readStatus(id)));
  const ended = ids.filter((_id, i) => statuses[i] !== undefined && isTerminalStatus(statuses[i]));
  await Promise.all(ended.map((id) => leaveOpen(storage, id)));
}
