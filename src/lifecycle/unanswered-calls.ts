/** Every call that the model made must be answered before it goes on (contract.md#tool-outputs). */
import type { InputItem, OutputItem } from "../protocol/item.ts";

type Item = InputItem | OutputItem;

/**
 * The `call_id` of the first function call in `items` that nothing in `items` answers. Calls that were cut off cannot be
 * answered and are not shown to the model; the outputs of asynchronous ones may come at any later time.
 */
export function findUnansweredCall(items: readonly Item[]): string | undefined {
  return findUnansweredCalls(items)[0];
}

/** All of them, in their order. */
export function findUnansweredCalls(items: readonly Item[]): string[] {
  const answered = new Set(items.map((item) => answeredCallId(item)));
  return items.flatMap((item) => {
    const call = callIdToAnswer(item);
    return call === undefined || answered.has(call) ? [] : [call];
  });
}

/** The `call_id` of a call that must be answered. */
export function callIdToAnswer(item: Item): string | undefined {
  const isCall = item.type === "function_call" && item.status !== "incomplete" && item.async !== true;
  return isCall ? item.call_id : undefined;
}

/** The `call_id` of the function call that the item answers. */
export function answeredCallId(item: Item): string | undefined {
  return item.type === "function_call_output" ? (item.call_id ?? undefined) : undefined;
}

/**
 * The items that a model can be shown. What was cut off before its end is left out, wherever it stands: providers refuse
 * half a call, and thoughts that lead to nothing. A message says something all the same, and what was answered was whole
 * enough for whoever answered it.
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
