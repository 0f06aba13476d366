/** What is wrong with what a request says. */
import { type ApiError, badRequest } from "./api-error.ts";

/** The sentence is the hosted API's own, with its empty quotes (contract.md#error-catalogue). */
export function exclusiveContext(): ApiError {
  const message =
    "Mutually exclusive parameters: ''. Ensure you are only providing one of: 'previous_response_id' or 'conversation'.";
  return badRequest(message, null, "mutually_exclusive_parameters");
}

export function malformedResponseId(id: string): ApiError {
  const message = `Invalid 'response_id': '${id}'. Expected an ID that begins with 'resp'.`;
  return badRequest(message, "response_id", "invalid_id_prefix");
}

/** With the code that the same sentence has on create (contract.md#conversations). */
export function malformedConversationId(id: string): ApiError {
  const message = `Invalid 'conversation_id': '${id}'. Expected an ID that begins with 'conv'.`;
  return badRequest(message, "conversation_id", "invalid_value");
}

export function malformedContainerId(id: string): ApiError {
  const message = `Invalid 'container_id': '${id}'. Expected an ID that begins with 'cntr'.`;
  return badRequest(message, "container_id", "invalid_value");
}

export function malformedPreviousResponseId(id: string): ApiError {
  const message = `Invalid 'previous_response_id': '${id}'. Expected an ID that begins with 'resp'.`;
  return badRequest(message, "previous_response_id", "invalid_id_prefix");
}

export function toolOutputMissing(callId: string): ApiError {
  return badRequest(`No tool output found for function call ${callId}.`, "input");
}

/** The sentence is the hosted API's own. Input is listed by the page, and a page begins behind an item's id. */
export function duplicateItem(id: string): ApiError {
  const message = `Duplicate item found with id ${id}. Remove duplicate items from your input and try again.`;
  return badRequest(message, "input");
}

/** The sentence is the hosted API's own. `item` is its id, or where it stands. */
export function encryptedContentUnverified(item: string, param: string): ApiError {
  const message = `The encrypted content for item ${item} could not be verified.`;
  return badRequest(message, param, "invalid_encrypted_content");
}

/** contract.md#completion-windows names the conditions and no sentence: this is the hosted API's pattern for values that do not go together. */
export function windowUnsupported(window: string, condition: string): ApiError {
  const param = "background_options.completion_window";
  const message = `Unsupported value: '${param}' does not support '${window}' ${condition}.`;
  return badRequest(message, param, "unsupported_value");
}

/** Items are kept and listed as they came; only the secrets of the request's own tools are sealed. */
export function secretInItem(param: string): ApiError {
  const message = `Invalid '${param}': a tool in an item may have no secret, because items are kept and listed as they came. Put the tool into 'tools' instead.`;
  return badRequest(message, param, "unsupported_value");
}

/** The sentence is the hosted API's own. */
export function misplacedTrigger(index: number): ApiError {
  const message = "The 'compaction_trigger' item must be the final input item.";
  return badRequest(message, `input[${index}]`, "invalid_value");
}

export function triggerNotKept(index: number): ApiError {
  const param = `items[${index}]`;
  const message = `Invalid '${param}': a 'compaction_trigger' asks a response to compact its context, and cannot be kept.`;
  return badRequest(message, param, "invalid_value");
}

/** Where a template has the assistant speak, it can say only text. */
export function textVariableExpected(name: string): ApiError {
  const param = `prompt.variables.${name}`;
  return badRequest(
    `Invalid type for '${param}': expected a string, but got an object instead.`,
    param,
    "invalid_type",
  );
}

/** A template may name a variable many times: what a small request would grow to is bounded as the request itself is. */
export function filledPromptTooLong(length: number, limit: number): ApiError {
  const message = `Invalid 'prompt.variables': the prompt is too long with them. Expected a prompt with maximum length ${limit}, but got a prompt with length ${length} instead.`;
  return badRequest(message, "prompt.variables", "string_above_max_length");
}

/** `param` is where the references stand. */
export function referencesTooLarge(limitBytes: number, param: "input" | "items"): ApiError {
  const message = `Invalid '${param}': the items that its references name are too large. At most ${limitBytes} bytes of them are put in.`;
  return badRequest(message, param, "referenced_items_too_large");
}

/** Where a cursor was given: a parameter, which `param` names, or a header, which it cannot. */
export type CursorSource = "starting_after" | "Last-Event-ID";

/** contract.md#cursors: a cursor beyond the log of a response that has ended is an answer about lost data, not an empty stream. */
export function cursorBeyondLog(cursor: number, last: number, source: CursorSource): ApiError {
  return invalidCursor(source, `${cursor} is beyond the last recorded event, which is ${last}.`);
}

export function malformedCursor(value: string, source: CursorSource): ApiError {
  return invalidCursor(source, `expected an integer >= 0, but got '${value}' instead.`);
}

function invalidCursor(source: CursorSource, fault: string): ApiError {
  const isHeader = source === "Last-Event-ID";
  const message = `Invalid '${source}'${isHeader ? " header" : ""}: ${fault}`;
  return badRequest(message, isHeader ? null : source, "invalid_value");
}
