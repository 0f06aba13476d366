/** Errors about things that do not exist or are in the wrong state. */
import type { TerminalStatus } from "../../protocol/response.ts";
import { ApiError, badRequest } from "./api-error.ts";

export function responseNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `Response with id '${id}' not found.` });
}

export function previousResponseNotFound(id: string): ApiError {
  return badRequest(
    `Previous response with id '${id}' not found.`,
    "previous_response_id",
    "previous_response_not_found",
  );
}

export function previousResponseUnfinished(id: string, status: string): ApiError {
  const message = `Previous response with id '${id}' is still ${status}. Wait for it to end, or cancel it.`;
  return badRequest(message, "previous_response_id", "previous_response_not_finished");
}

/** `param` names the list that holds the reference: a response's `input` or a conversation's `items`. */
export function itemNotFound(id: string, param: "input" | "items"): ApiError {
  const message = `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`;
  return new ApiError({ status: 404, message, param });
}

export function conversationNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `Conversation with id '${id}' not found.` });
}

export function conversationItemNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `Item with id '${id}' not found.` });
}

export function projectNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `Project with id '${id}' not found.` });
}

/** An archived project stays readable, and cannot be used or changed. */
export function projectArchived(id: string): ApiError {
  return badRequest(`Project with id '${id}' is archived.`, null, "project_archived");
}

export function serviceAccountNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `Service account with id '${id}' not found.` });
}

export function keyNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `API key with id '${id}' not found.` });
}

export function rateLimitNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `Rate limit with id '${id}' not found.` });
}

export function spendLimitNotFound(project: string): ApiError {
  return new ApiError({ status: 404, message: `Project '${project}' has no spend limit.` });
}

export function spendAlertNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `Spend alert with id '${id}' not found.` });
}

/** `what` comes from a setting of the server, so no request can change it. */
export function fixedByEnvironment(what: string, setting: string): ApiError {
  return badRequest(
    `${what} comes from the setting ${setting}, and can only be changed there.`,
    null,
    "fixed_by_environment",
  );
}

/** `what`: the things of which there are `count` already. */
export function tooManyOf(what: string, count: number): ApiError {
  return badRequest(`There are ${count} ${what} already, which is the maximum.`, null, "limit_reached");
}

export function containerNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `Container with id '${id}' not found.` });
}

export function webhookEndpointNotFound(id: string): ApiError {
  return new ApiError({ status: 404, message: `Webhook endpoint with id '${id}' not found.` });
}

/** An endpoint of the operator's file. */
export function webhookEndpointReadOnly(id: string): ApiError {
  const message = `Webhook endpoint '${id}' is configured by the operator of this server and cannot be changed.`;
  return badRequest(message, null, "webhook_endpoint_read_only");
}

/** More of them would need a decision of the operator, so retries do not help. */
export function webhookEndpointsFull(bound: number): ApiError {
  const message = `This project has ${bound} webhook endpoints, which is the maximum. Delete one before you create another.`;
  return badRequest(message, null, "webhook_endpoint_limit_reached");
}

/** The receiver gave no answer. `reason` is a sentence. */
export function webhookTestFailed(reason: string): ApiError {
  return badRequest(`The webhook endpoint did not answer the test. ${reason}`, null, "webhook_test_failed");
}

/**
 * `index` counts the request's items. An id is unique within a conversation, because clients read, delete and reference
 * items by id.
 */
export function itemExists(id: string, index: number): ApiError {
  const param = `items[${index}].id`;
  return badRequest(`Invalid '${param}': an item with id '${id}' already exists.`, param, "invalid_value");
}

export function listCursorNotFound(itemId: string, param: "after" | "before" = "after"): ApiError {
  return badRequest(`Item with id '${itemId}' not found.`, param, "invalid_value");
}

/** The published message has no version; the second message follows its pattern. */
export function promptNotFound(id: string, version?: string | null): ApiError {
  const named = version == null ? `Prompt with id '${id}'` : `Prompt with id '${id}' and version '${version}'`;
  return new ApiError({ status: 404, message: `${named} not found.` });
}

export function modelNotFound(model: string): ApiError {
  if (model === "") {
    return badRequest("The requested model '' does not exist.", "model", "model_not_found");
  }
  const message = `The model \`${model}\` does not exist or you do not have access to it.`;
  return new ApiError({ status: 404, message, code: "model_not_found" });
}

const LOCKED_RETRY_SECONDS = 2;

/** Never 409: official clients retry a 409 automatically (contract.md#client-retries). */
export function conversationLocked(): ApiError {
  return new ApiError({
    status: 400,
    message: "Another process is currently operating on this conversation. Please retry in a few seconds.",
    param: "conversation",
    code: "conversation_locked",
    headers: { "retry-after": String(LOCKED_RETRY_SECONDS) },
  });
}

/** `index` counts the request's tools; `reason` names the missing setting. */
export function toolUnavailable(index: number, type: string, reason: string): ApiError {
  return badRequest(`The tool '${type}' is not available: ${reason}`, `tools[${index}]`, "unsupported_value");
}

const CANCEL_ERRORS: Record<Exclude<TerminalStatus, "cancelled">, string> = {
  completed: "Cannot cancel a completed response.",
  failed: "Cannot cancel a failed response.",
  incomplete: "Cannot cancel an incomplete response.",
};

export function cannotCancel(status: Exclude<TerminalStatus, "cancelled">): ApiError {
  return badRequest(CANCEL_ERRORS[status]);
}

export function cannotCancelSynchronous(): ApiError {
  return badRequest("Cannot cancel a synchronous response.");
}

export function idempotencyKeyReuse(): ApiError {
  const message = "This Idempotency-Key was already used with a different request body.";
  return new ApiError({ status: 422, message, type: "idempotency_error", code: "idempotency_key_reuse" });
}
