/**
 * Filters by the attributes of files. Source: openai 7.59.0 `ComparisonFilter`, `CompoundFilter`; the published type leaves
 * the contents of a compound filter open, and its description says that they are filters of either kind.
 */
import { z } from "zod";
import { bounded } from "./bounded.ts";

/** Limits of `attributes`, from the published description of a vector store's file. */
export const MAX_ATTRIBUTES = 16;
const MAX_KEY_CHARACTERS = 64;
const MAX_VALUE_CHARACTERS = 512;
/** This server's limits (contract.md#attribute-filters). */
const MAX_FILTER_DEPTH = 8;
const MAX_FILTER_ENTRIES = 256;

const attributeValueSchema = z.union([z.string().max(MAX_VALUE_CHARACTERS), z.number(), z.boolean()]);
export const attributesSchema = z.record(z.string().max(MAX_KEY_CHARACTERS), attributeValueSchema);
export type Attributes = z.infer<typeof attributesSchema>;
export type AttributeValue = Attributes[string];

const key = bounded.name;

const equalityFilterSchema = z.strictObject({
  type: z.enum(["eq", "ne"]),
  key,
  value: z.union([bounded.address, z.number(), z.boolean()]),
});
const orderFilterSchema = z.strictObject({
  type: z.enum(["gt", "gte", "lt", "lte"]),
  key,
  value: z.union([bounded.address, z.number()]),
});
const membershipFilterSchema = z.strictObject({
  type: z.enum(["in", "nin"]),
  key,
  value: z.array(z.union([bounded.address, z.number()])).max(MAX_FILTER_ENTRIES),
});

type ComparisonFilter =
  | z.infer<typeof equalityFilterSchema>
  | z.infer<typeof orderFilterSchema>
  | z.infer<typeof membershipFilterSchema>;
export type AttributeFilter = ComparisonFilter | { type: "and" | "or"; filters: AttributeFilter[] };

/** A schema for each depth, so that no filter is deeper than `depth`. */
function filterSchemaOf(depth: number): z.ZodType<AttributeFilter> {
  const comparisons = [equalityFilterSchema, orderFilterSchema, membershipFilterSchema] as const;
  if (depth === 1) return z.discriminatedUnion("type", comparisons);
  const compoundFilterSchema = z.strictObject({
    type: z.enum(["and", "or"]),
    filters: z
      .array(filterSchemaOf(depth - 1))
      .min(1)
      .max(MAX_FILTER_ENTRIES),
  });
  return z.discriminatedUnion("type", [...comparisons, compoundFilterSchema]);
}

export const attributeFilterSchema = filterSchemaOf(MAX_FILTER_DEPTH);
