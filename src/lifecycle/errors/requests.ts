/** Errors in the content of a request. */
import { type ApiError, badRequest } from "./api-error.ts";

/** The hosted API's own message, including its empty quotes (contract.md#error-catalogue). */
export function exclusiveContext(): ApiError {
  const message =
    "Mutually exclusive parameters: ''. Ensure you are only providing one of: 'previous_response_id' or 'conversation'.";
  return badRequest(message, null, "mutually_exclusive_parameters");
}

export function malformedResponseId(id: string): ApiError {
  const message = `Invalid 'response_id': '${id}'. Expected an ID that begins with 'resp'.`;
  return badRequest(message, "response_id", "invalid_id_prefix");
}

/** Uses the same code as the same message on create (contract.md#conversations). */
export function malformedConversationId(id: string): ApiError {
  const message = `Invalid 'conversation_id': '${id}'. Expected an ID that begins with 'conv'.`;
  return badRequest(message, "conversation_id", "invalid_value");
}

export function malformedContainerId(id: string): ApiError {
  const message = `Invalid 'container_id': '${id}'. Expected an ID that begins with 'cntr'.`;
  return badRequest(message, "container_id", "invalid_value");
}

export function malformedWebhookEndpointId(id: string): ApiError {
  const message = `Invalid 'webhook_endpoint_id': '${id}'. Expected an ID that begins with 'whe'.`;
  return badRequest(message, "webhook_endpoint_id", "invalid_value");
}

/** `expected` completes the sentence "Expected …". */
export function webhookUrlInvalid(expected: string): ApiError {
  return badRequest(`Invalid 'url': expected ${expected}.`, "url", "invalid_value");
}

export function malformedPreviousResponseId(id: string): ApiError {
  const message = `Invalid 'previous_response_id': '${id}'. Expected an ID that begins with 'resp'.`;
  return badRequest(message, "previous_response_id", "invalid_id_prefix");
}

export function toolOutputMissing(callId: string): ApiError {
  return badRequest(`No tool output found for function call ${callId}.`, "input");
}

/** The hosted API's own message. Ids must be unique because a page of input items starts after an item's id. */
export function duplicateItem(id: string): ApiError {
  const message = `Duplicate item found with id ${id}. Remove duplicate items from your input and try again.`;
  return badRequest(message, "input");
}

/** The hosted API's own message. `item` is the item's id, or its index. */
export function encryptedContentUnverified(item: string, param: string): ApiError {
  const message = `The encrypted content for item ${item} could not be verified.`;
  return badRequest(message, param, "invalid_encrypted_content");
}

/**
 * contract.md#completion-windows names the conditions but no message; this follows the hosted API's pattern for
 * incompatible values.
 */
export function windowUnsupported(window: string, condition: string): ApiError {
  const param = "background_options.completion_window";
  const message = `Unsupported value: '${param}' does not support '${window}' ${condition}.`;
  return badRequest(message, param, "unsupported_value");
}

/** Items are stored and listed as sent; only secrets of the request's own tools are sealed. */
export function secretInItem(param: string): ApiError {
  const message = `Invalid '${param}': a tool in an item may have no secret, because items are kept and listed as they came. Put the tool into 'tools' instead.`;
  return badRequest(message, param, "unsupported_value");
}

/** The hosted API's own message. */
export function misplacedTrigger(index: number): ApiError {
  const message = "The 'compaction_trigger' item must be the final input item.";
  return badRequest(message, `input[${index}]`, "invalid_value");
}

export function triggerNotKept(index: number): ApiError {
  const param = `items[${index}]`;
  const message = `Invalid '${param}': a 'compaction_trigger' asks a response to compact its context, and cannot be kept.`;
  return badRequest(message, param, "invalid_value");
}

/** Assistant messages of a template hold only text. */
export function textVariableExpected(name: string): ApiError {
  const param = `prompt.variables.${name}`;
  return badRequest(
    `Invalid type for '${param}': expected a string, but got an object instead.`,
    param,
    "invalid_type",
  );
}

/** A template may repeat a variable, so its expansion has the same limit as the request itself. */
export function filledPromptTooLong(length: number, limit: number): ApiError {
  const message = `Invalid 'prompt.variables': the prompt is too long with them. Expected a prompt with maximum length ${limit}, but got a prompt with length ${length} instead.`;
  return badRequest(message, "prompt.variables", "string_above_max_length");
}

/** `param` names the list that holds the references. */
export function referencesTooLarge(limitBytes: number, param: "input" | "items"): ApiError {
  const message = `Invalid '${param}': the items that its references name are too large. At most ${limitBytes} bytes of them are put in.`;
  return badRequest(message, param, "referenced_items_too_large");
}

/** The source of a cursor: a parameter, which `param` names, or a header, which it cannot name. */
export type CursorSource = "starting_after" | "Last-Event-ID";

/**
 * contract.md#cursors: a cursor beyond the log of an ended response means lost data, so the answer is an error and not
 * an empty stream.
 */
export function cursorBeyondLog(cursor: number, last: number, source: CursorSource): ApiError {
  return invalidCursor(source, `${cursor} is beyond the last recorded event, which is ${last}.`);
}

export function malformedCursor(value: string, source: CursorSource): ApiError {
  return invalidCursor(source, `expected an integer >= 0, but got '${value}' instead.`);
}

function invalidCursor(source: CursorSource, reason: string): ApiError {
  const isHeader = source === "Last-Event-ID";
  const message = `Invalid '${source}'${isHeader ? " header" : ""}: ${reason}`;
  return badRequest(message, isHeader ? null : source, "invalid_value");
}

/** Pages of usage are named by the server. */
export function malformedPage(page: string): ApiError {
  return badRequest(
    `Invalid 'page': '${page}'. Expected the \`next_page\` of the previous page.`,
    "page",
    "invalid_value",
  );
}
