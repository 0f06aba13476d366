/**
 * Checks known items and events against their schemas. Invalid fields and list entries (null, another type, an unknown
 * word) are dropped: vLLM sends `content: null` and other nulls (https://github.com/vllm-project/vllm/pull/38227), and
 * other servers do the same. Unknown types pass unchanged.
 */
import { itemEventSchema } from "../../../src/protocol/event.ts";
import { outputItemSchema } from "../../../src/protocol/item.ts";
import type { Json } from "../http/json.ts";

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

/** The item without the fields, and the entries of its lists, that its schema rejects. */
export function removeInvalidFields(item: Json): Json {
  const invalid = new Map<PropertyKey, Set<PropertyKey | undefined>>();
  for (const { path } of ITEM_SCHEMAS.get(item["type"])?.safeParse(item).error?.issues ?? []) {
    const [field, entry] = path;
    if (field !== undefined) invalid.set(field, (invalid.get(field) ?? new Set()).add(entry));
  }
  const valid = Object.entries(item).flatMap(([field, value]): [string, unknown][] => {
    const entries = invalid.get(field);
    if (entries === undefined) return [[field, value]];
    // An issue without an entry concerns the whole field.
    if (!Array.isArray(value) || entries.has(undefined)) return [];
    return [[field, value.filter((_entry, i) => !entries.has(i))]];
  });
  return Object.fromEntries(valid);
}
