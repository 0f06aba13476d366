/** Whether a file's attributes pass a filter. */
import type { AttributeFilter, Attributes, AttributeValue } from "../../protocol/attribute-filter.ts";

type Comparison = Exclude<AttributeFilter, { type: "and" | "or" }>;

/**
 * A comparison with a missing attribute, or with one of another type, is false; `ne` and `nin` are then true
 * (contract.md#attribute-filters).
 */
export function matchesFilter(attributes: Attributes, filter: AttributeFilter): boolean {
  switch (filter.type) {
    case "and":
      return filter.filters.every((each) => matchesFilter(attributes, each));
    case "or":
      return filter.filters.some((each) => matchesFilter(attributes, each));
    default:
      return compare(Object.hasOwn(attributes, filter.key) ? attributes[filter.key] : undefined, filter);
  }
}

function compare(held: AttributeValue | undefined, filter: Comparison): boolean {
  switch (filter.type) {
    case "eq":
      return held === filter.value;
    case "ne":
      return held !== filter.value;
    case "in":
      return filter.value.some((value) => value === held);
    case "nin":
      return filter.value.every((value) => value !== held);
    default:
      return isOrdered(held, filter);
  }
}

function isOrdered(
  held: AttributeValue | undefined,
  { type, value }: Extract<Comparison, { type: "gt" | "gte" | "lt" | "lte" }>,
): boolean {
  if (held === undefined || typeof held !== typeof value) return false;
  switch (type) {
    case "gt":
      return held > value;
    case "gte":
      return held >= value;
    case "lt":
      return held < value;
    case "lte":
      return held <= value;
  }
}
