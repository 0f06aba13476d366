/** Merges schemas that must both hold. */
import type { FillBudget } from "./fill-budget.ts";
import {
  type JsonType,
  listTypes,
  type Schema,
  toJson,
  toList,
  toNumber,
  toRecord,
  UnfillableSchemaError,
} from "./schema.ts";

/** Merges two schemas without applicators that must both hold. Keywords that cannot be merged become `allOf`. */
export function mergeSchemas(first: Schema, second: Schema, budget: FillBudget): Schema {
  budget.spendSteps(4 * (Object.keys(first).length + Object.keys(second).length));
  const merged: Record<string, unknown> = { ...first };
  for (const [keyword, value] of Object.entries(second)) {
    const other = Object.hasOwn(first, keyword) ? first[keyword] : undefined;
    merged[keyword] = other === undefined ? value : mergeKeyword(keyword, other, value, budget);
  }
  if (first.properties !== undefined || second.properties !== undefined) {
    merged.properties = mergeProperties(first, second, budget);
  }
  return merged;
}

function mergeKeyword(keyword: string, first: unknown, second: unknown, budget: FillBudget): unknown {
  switch (keyword) {
    case "type":
      return intersectTypes(listTypes({ type: first }, budget), listTypes({ type: second }, budget));
    case "enum":
      return intersectValues(toList(first), toList(second), budget);
    case "required":
      budget.spendSteps(toList(first).length + toList(second).length);
      return [...new Set([...toList(first), ...toList(second)])];
    case "items":
    case "additionalProperties":
      return { allOf: [first, second] };
    case "multipleOf":
      return findCommonMultiple(first, second, budget);
    case "const":
    case "pattern":
    case "prefixItems":
      if (toJson(first, budget) !== toJson(second, budget))
        throw new UnfillableSchemaError(`two different values of '${keyword}' must hold.`);
      return first;
    default:
      if (/^(?:min|exclusiveMin)/.test(keyword)) return chooseTighter(first, second, Math.max);
      if (/^(?:max|exclusiveMax)/.test(keyword)) return chooseTighter(first, second, Math.min);
      return second;
  }
}

function intersectValues(first: readonly unknown[], second: readonly unknown[], budget: FillBudget): unknown[] {
  const others = new Set(second.map((value) => toJson(value, budget)));
  return first.filter((value) => others.has(toJson(value, budget)));
}

function intersectTypes(first: readonly JsonType[], second: readonly JsonType[]): JsonType[] {
  const others = new Set(second);
  const both = first.flatMap((type) => {
    if (others.has(type)) return [type];
    if (type === "number" && others.has("integer")) return ["integer" as const];
    return type === "integer" && others.has("number") ? [type] : [];
  });
  if (both.length === 0) throw new UnfillableSchemaError("no type satisfies all parts of the schema.");
  return both;
}

function chooseTighter(first: unknown, second: unknown, choose: (a: number, b: number) => number): unknown {
  return typeof first === "number" && typeof second === "number" ? choose(first, second) : second;
}

function findCommonMultiple(first: unknown, second: unknown, budget: FillBudget): number {
  const [a, b] = [toNumber(first) ?? 1, toNumber(second) ?? 1];
  for (let times = 1; times <= 1_000; times++) {
    budget.spendSteps(1);
    if (Number.isInteger((a * times) / b)) return a * times;
  }
  throw new UnfillableSchemaError("two 'multipleOf' have no common multiple within reach.");
}

/** If one schema allows no other properties, those that only the other schema lists are forbidden. */
function mergeProperties(first: Schema, second: Schema, budget: FillBudget): Schema {
  const [firstProperties, secondProperties] = [toRecord(first.properties), toRecord(second.properties)];
  const entries: [string, unknown][] = [];
  const [firstNames, secondNames] = [Object.keys(firstProperties), Object.keys(secondProperties)];
  // Each name becomes an entry, and possibly a schema.
  budget.spendSteps(8 * (firstNames.length + secondNames.length));
  for (const name of new Set([...firstNames, ...secondNames])) {
    const parts = [
      Object.hasOwn(firstProperties, name) ? firstProperties[name] : (first.additionalProperties ?? true),
      Object.hasOwn(secondProperties, name) ? secondProperties[name] : (second.additionalProperties ?? true),
    ].filter((part) => part !== true);
    entries.push([name, parts.length === 1 ? parts[0] : { allOf: parts }]);
  }
  return Object.fromEntries(entries);
}
