/** Rules across the parameters that give a model its context: `input`, `previous_response_id` and `conversation`. */
import { type ApiError, badRequest } from "../../lifecycle/errors/api-error.ts";
import { exclusiveContext, misplacedTrigger, triggerNotKept } from "../../lifecycle/errors/requests.ts";
import type { CreateRequest } from "../../protocol/create-request.ts";
import type { InputItem } from "../../protocol/item.ts";

export function checkContextParameters(
  request: Pick<CreateRequest, "conversation" | "previous_response_id" | "input">,
): void {
  if (request.conversation != null && request.previous_response_id != null) throw exclusiveContext();
  checkTrigger(request.input);
}

/** Source: openai-node 7.59.0, "Must be the final input item." */
export function checkTrigger(input: CreateRequest["input"] | null): void {
  const index = Array.isArray(input) ? input.findIndex(isTrigger) : -1;
  if (index >= 0 && index < input!.length - 1) throw misplacedTrigger(index);
}

/** A trigger is an instruction to compact, so a conversation cannot store it. */
export function rejectTriggers(items: readonly InputItem[]): void {
  const index = items.findIndex(isTrigger);
  if (index >= 0) throw triggerNotKept(index);
}

/** True for a trigger alone: there is nothing to compact. */
export function hasNoInput(input: CreateRequest["input"] | null): boolean {
  return input == null || input.length === 0 || (Array.isArray(input) && input.every(isTrigger));
}

const isTrigger = (item: InputItem): boolean => item.type === "compaction_trigger";

export function emptyInputError(): ApiError {
  const message = `One of "input" or "previous_response_id" or 'prompt' or 'conversation' must be provided.`;
  return badRequest(message, null, "missing_required_parameter");
}
