/**
 * `compaction_trigger`: the last item of an input, which requests a compaction of the context. It is an instruction, not
 * part of the conversation. Admission removes it, so it is never stored, listed or sent to a provider.
 */
import type { CreateRequest } from "../../protocol/create-request.ts";

/** Validation has checked that the trigger is last (src/http/validation/context-parameters.ts). */
export function extractCompactionTrigger<R extends Pick<CreateRequest, "input">>(
  request: R,
): { request: R; isTriggered: boolean } {
  const { input } = request;
  if (!Array.isArray(input) || input.at(-1)?.type !== "compaction_trigger") return { request, isTriggered: false };
  return { request: { ...request, input: input.slice(0, -1) }, isTriggered: true };
}
