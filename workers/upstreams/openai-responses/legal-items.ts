/**
 * Known items and events as their schemas have them. A field of a provider's that is not what was published (null, of
 * another type, an unknown word) is left out, and so is such an entry of a list: vLLM sends `content: null` and null
 * elsewhere (https://github.com/vllm-project/vllm/pull/38227), and other servers the like. What is of no known type passes
 * as it came.
 */
import { itemEventSchema } from "../../../src/protocol/event.ts";
import { outputItemSchema } from "../../../src/protocol/item.ts";
import type { Json } from "../provider/json.ts";

interface SafeSchema {
  safeParse(value: unknown): { success: boolean; error?: { issues: readonly { path: readonly PropertyKey[] }[] } };
}

const ITEM_SCHEMAS = new Map<unknown, SafeSchema>(
  outputItemSchema.options.map((option) => [option.shape.type.value, option]),
);
const EVENT_SCHEMAS = new Map<unknown, SafeSchema>(
  itemEventSchema.options.map((option) => [option.shape.type.value, option]),
);

export function isLegalItem(item: Json): boolean {
  return ITEM_SCHEMAS.get(item["type"])?.safeParse(item).success ?? true;
}

export function isLegalEvent(event: object & { type: string }): boolean {
  return EVENT_SCHEMAS.get(event.type)?.safeParse({ ...event, sequence_number: 0 }).success ?? true;
}

/** The item without the fields, and without the entries of its lists, that its schema refuses. */
export function removeInvalidFields(item: Json): Json {
  const faults = new Map<PropertyKey, Set<PropertyKey | undefined>>();
  for (const { path } of ITEM_SCHEMAS.get(item["type"])?.safeParse(item).error?.issues ?? []) {
    const [field, entry] = path;
    if (field !== undefined) faults.set(field, (faults.get(field) ?? new Set()).add(entry));
  }
  const kept = Object.entries(item).flatMap(([field, value]): [string, unknown][] => {
    const entries = faults.get(field);
    if (entries === undefined) return [[field, value]];
    // A fault without an entry is the field's own.
    if (!Array.isArray(value) || entries.has(undefined)) return [];
    return [[field, value.filter((_entry, i) => !entries.has(i))]];
  });
  return Object.fromEntries(kept);
}
