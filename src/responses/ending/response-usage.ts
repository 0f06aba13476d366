/** What an ended response keeps and what it used, from what its run noted. Failed and cancelled runs count what they used. */
import type { EndedResponse } from "../../store/remove-in-flight.ts";
import { NANOS_PER_DOLLAR, type ResponseUsage } from "../../store/organization/usage-counts.ts";
import { encodeApprovals } from "../../store/lists/response-list.ts";
import type { Memberships, RunOutcome } from "../../store/response-record.ts";
import type { Storage } from "../storage.ts";

/** The usage belongs to the time at which it is counted: a moment after the end. */
export function endedResponseOf(
  { clock }: Pick<Storage, "clock">,
  { retained, run, ending, answers }: Memberships,
): EndedResponse {
  const asks = encodeApprovals(ending?.asks ?? []);
  return {
    retained: retained && { ...retained, asks },
    usage: run && usageOf(run),
    endedAtMs: clock.nowMs(),
    answers,
  };
}

/** Undefined for a run that called no model. */
function usageOf({ usage, turns, costUsd = 0, servedModel, model }: RunOutcome): ResponseUsage | undefined {
  if (usage === undefined && turns === 0) return undefined;
  return {
    model: servedModel ?? model,
    requests: Math.max(1, turns),
    inputTokens: usage?.input_tokens ?? 0,
    cachedTokens: usage?.input_tokens_details.cached_tokens ?? 0,
    outputTokens: usage?.output_tokens ?? 0,
    costNanos: Math.round(costUsd * NANOS_PER_DOLLAR),
  };
}
