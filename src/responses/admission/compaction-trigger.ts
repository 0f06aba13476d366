/**
 * `compaction_trigger`: the last item of an input, which asks for the context to be compacted. It is an order and no part
 * of the conversation: it is taken out at admission, so nothing behind it keeps it, lists it or sends it to a provider.
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
