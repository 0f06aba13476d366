/** Every call of the model needs an answer before the model continues (contract.md#tool-outputs). */
import type { InputItem, OutputItem } from "../protocol/item.ts";

type Item = InputItem | OutputItem;

/**
 * The `call_id` of the first function call in `items` without an answer in `items`. Interrupted calls cannot be
 * answered and are hidden from the model; outputs of asynchronous calls may come at any later time.
 */
export function findUnansweredCall(items: readonly Item[]): string | undefined {
  return findUnansweredCalls(items)[0];
}

/** All unanswered calls, in order. */
export function findUnansweredCalls(items: readonly Item[]): string[] {
  const answered = new Set(items.map((item) => answeredCallId(item)));
  return items.flatMap((item) => {
    const call = callIdToAnswer(item);
    return call === undefined || answered.has(call) ? [] : [call];
  });
}

/** The `call_id` of a call that requires an answer. */
export function callIdToAnswer(item: Item): string | undefined {
  const isCall = item.type === "function_call" && item.status !== "incomplete" && item.async !== true;
  return isCall ? item.call_id : undefined;
}

/** The `call_id` of the function call that the item answers. */
export function answeredCallId(item: Item): string | undefined {
  return item.type === "function_call_output" ? (item.call_id ?? undefined) : undefined;
}

/**
 * The items that a model may see, without interrupted ones: providers reject half a call and reasoning that leads to
 * nothing. A partial message stays because it still has content, and so does a call that was answered.
 */
export function withoutIncompleteItems<T extends Item>(items: readonly T[]): T[] {
  const isCutOff = (item: T) =>
    item.type !== "message" && !isOutput(item) && "status" in item && item.status === "incomplete";
  if (!items.some(isCutOff)) return [...items];
  const answered = new Set(items.flatMap((item) => (isOutput(item) ? (callIdOf(item) ?? []) : [])));
  return items.filter((item) => !isCutOff(item) || answered.has(callIdOf(item) ?? ""));
}

const isOutput = (item: Item): boolean => item.type.endsWith("_output");

const callIdOf = (item: Item): string | undefined => ("call_id" in item ? (item.call_id ?? undefined) : undefined);
