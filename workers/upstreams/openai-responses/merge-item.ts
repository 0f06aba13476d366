/** An item's end, of what was added, streamed and said of it at last. */
import type { OutputItem } from "../../../src/protocol/item.ts";
import { asString, isObject, type Json } from "../provider/json.ts";

/** What is written in deltas. Any other item is added as it stands. */
export const STREAMED_TYPES: ReadonlySet<string> = new Set([
  "message",
  "reasoning",
  "function_call",
  "custom_tool_call",
]);

/** What nothing was streamed of, as it was when it was added. */
export function restoreAddedFields(streamed: OutputItem, added: Json): Json {
  const isEmpty = (value: unknown) => value == null || value === "" || (Array.isArray(value) && value.length === 0);
  const fields = Object.entries(added).filter(([name]) => isEmpty((streamed as unknown as Json)[name]));
  return { ...streamed, ...Object.fromEntries(fields) };
}

export function isCompleteObject(json: string): boolean {
  // It is asked of arguments as they grow: hardly any are parsed.
  if (!/\}\s*$/.test(json.slice(-64))) return false;
  try {
    return isObject(JSON.parse(json));
  } catch {
    return false;
  }
}

export function readItemId(item: unknown): string | undefined {
  return isObject(item) ? asString(item["id"]) || undefined : undefined;
}

export function findFinalItem(output: readonly unknown[], item: OutputItem, index: number): unknown {
  const candidates = [output.find((final) => readItemId(final) === item.id), output[index]];
  return candidates.find((final) => isObject(final) && final["type"] === item.type);
}

/**
 * The item as the provider settled it, over what was streamed of it. Id, type and call_id stay as they were added:
 * official clients throw when they change (contract.md#client-invariants). Done is never `in_progress`.
 */
export function mergeFinalItem(streamed: Json, done: Json): Json {
  const { status: _, ...before } = streamed;
  // What servers leave out of the end, they have said before.
  const { status, ...stated } = Object.fromEntries(
    Object.entries(done).filter(([name, value]) => value != null || before[name] == null),
  );
  const kept = {
    id: streamed["id"],
    type: streamed["type"],
    ...("call_id" in streamed && { call_id: streamed["call_id"] }),
  };
  return {
    ...before,
    ...stated,
    ...(status === undefined || status === "in_progress" ? {} : { status }),
    ...kept,
  };
}
