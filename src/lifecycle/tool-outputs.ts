/** Every call that the model made must be answered before it goes on (contract 03 §3.4, `function_call without output`). */
import type { InputItem, OutputItem } from "../protocol/item.ts";

/**
 * The `call_id` of the first function call in `items` that nothing in `items` answers. Calls that were cut off cannot be
 * answered and are not shown to the model; the outputs of asynchronous ones may come at any later time.
 */
export function findUnansweredCall(items: readonly (InputItem | OutputItem)[]): string | undefined {
  const answered = new Set(items.map((item) => (item.type === "function_call_output" ? item.call_id : undefined)));
  const call = items.find(
    (item) =>
      item.type === "function_call" &&
      item.status !== "incomplete" &&
      item.async !== true &&
      !answered.has(item.call_id),
  );
  return call?.type === "function_call" ? call.call_id : undefined;
}
