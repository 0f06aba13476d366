/** Builds an item's final form from its added, streamed and final versions. */
import type { OutputItem } from "../../../src/protocol/item.ts";
import { asString, isObject, type Json } from "../http/json.ts";

/** Items that grow by deltas. Others are added whole. */
export const STREAMED_TYPES: ReadonlySet<string> = new Set([
  "message",
  "reasoning",
  "function_call",
  "custom_tool_call",
]);

/** Restores the added value of fields for which nothing was streamed. */
export function restoreAddedFields(streamed: OutputItem, added: Json): Json {
  const isEmpty = (value: unknown) => value == null || value === "" || (Array.isArray(value) && value.length === 0);
  const fields = Object.entries(added).filter(([name]) => isEmpty((streamed as unknown as Json)[name]));
  return { ...streamed, ...Object.fromEntries(fields) };
}

export function readItemId(item: unknown): string | undefined {
  return isObject(item) ? asString(item["id"]) || undefined : undefined;
}

export function findFinalItem(output: readonly unknown[], item: OutputItem, index: number): unknown {
  const candidates = [output.find((final) => readItemId(final) === item.id), output[index]];
  return candidates.find((final) => isObject(final) && final["type"] === item.type);
}

/**
 * The provider's final version merged over the streamed one. Id, type and call_id stay as they were added, because
 * official clients throw if they change (contract.md#client-invariants). A done item is never `in_progress`.
 */
export function mergeFinalItem(streamed: Json, done: Json): Json {
  const { status: _, ...before } = streamed;
  // Fields that a server omits at the end keep their earlier value.
  const { status, ...stated } = Object.fromEntries(
    Object.entries(done).filter(([name, value]) => value != null || before[name] == null),
  );
  const identity = {
    id: streamed["id"],
    type: streamed["type"],
    ...("call_id" in streamed && { call_id: streamed["call_id"] }),
  };
  return {
    ...before,
    ...stated,
    ...(status === undefined || status === "in_progress" ? {} : { status }),
    ...identity,
  };
}
