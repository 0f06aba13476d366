/**
 * The removal of an ended response from the in-flight set. In the same step its usage is counted, and its webhook event enters
 * the outbox.
 */
import type { RemovalOutcome } from "../../store/remove-in-flight.ts";
import type { Memberships } from "../../store/response-record.ts";
import type { Storage } from "../storage.ts";
import { endedResponseOf } from "./response-usage.ts";

/** `isForced`: without checking the record. */
export async function leaveInFlight(
  storage: Storage,
  id: string,
  memberships: Memberships,
  { isForced = false } = {},
): Promise<RemovalOutcome> {
  const { inFlight, webhooks } = storage;
  const { project, end } = memberships;
  const ended = { ...endedResponseOf(storage, memberships), end: webhooks.relay.eventOf(project, end) };
  const outcome = isForced
    ? await inFlight.forceRemove(id, project, ended)
    : await inFlight.removeEnded(id, project, ended);
  webhooks.relay.accept(id, project, end, outcome.event);
  return outcome;
}
