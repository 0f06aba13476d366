/** The removal of an ended response from the in-flight set. In the same step its webhook event enters the outbox. */
import type { RemovalOutcome } from "../../store/remove-in-flight.ts";
import type { Memberships } from "../../store/response-record.ts";
import type { Storage } from "../storage.ts";

/** `isForced`: without checking the record. */
export async function leaveInFlight(
  { inFlight, webhooks }: Pick<Storage, "inFlight" | "webhooks">,
  id: string,
  { project, retained, end }: Pick<Memberships, "project" | "retained" | "end">,
  { isForced = false } = {},
): Promise<RemovalOutcome["kind"]> {
  const ended = { retained, end: webhooks.relay.eventOf(project, end) };
  const outcome = isForced
    ? await inFlight.forceRemove(id, project, ended)
    : await inFlight.removeEnded(id, project, ended);
  webhooks.relay.accept(id, project, end, outcome.event);
  return outcome.kind;
}
