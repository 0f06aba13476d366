/**
 * The part of JSON Schema (draft 2020-12, and `definitions` of older ones) that the simulator can fill, and how two
 * schemas that both hold become one.
 */

import type { FillBudget } from "./fill-budget.ts";

export type Schema = Readonly<Record<string, unknown>>;

export type JsonType = "null" | "boolean" | "integer" | "number" | "string" | "array" | "object";

/** No value satisfies the schema, or none that the simulator could find. The message says why, for the client. */
export class UnfillableSchemaError extends Error {
  override readonly name = "UnfillableSchemaError";
}

const QUOTED_CHARACTERS = 200;

/** A schema's own text in a message: a pattern may be as long as the request. */
export function quote(text: unknown): string {
  const written = String(text);
  return `'${written.length > QUOTED_CHARACTERS ? `${written.slice(0, QUOTED_CHARACTERS)}…` : written}'`;
}

/** Filling these needs a search, not a rule. They are refused: JSON that is not valid must never look as if it were. */
const UNSUPPORTED_KEYWORDS = [
  "$dynamicRef",
  "$recursiveRef",
  "contains",
  "dependencies",
  "dependentRequired",
  "dependentSchemas",
  "if",
  "not",
] as const;

/** `true` allows everything, `false` nothing. */
export function toSchema(value: unknown): Schema {
  if (value === true) return {};
  if (value === false) throw new UnfillableSchemaError("a place that must be filled has the schema false.");
  if (!isRecord(value)) throw new UnfillableSchemaError("a schema must be an object or a boolean.");
  const unsupported = UNSUPPORTED_KEYWORDS.find((keyword) => value[keyword] !== undefined);
  if (unsupported !== undefined) throw new UnfillableSchemaError(`the keyword '${unsupported}' is not supported.`);
  return value;
}

/** Follows a JSON pointer inside the same document (RFC 6901). Undefined if there is nothing. */
export function findReference(root: unknown, reference: string, budget: FillBudget): unknown {
  budget.spendSteps(reference.length);
  if (reference !== "#" && !reference.startsWith("#/")) return undefined;
  let found: unknown = root;
  for (const step of reference.split("/").slice(1)) {
    const key = decodeStep(step);
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Schema)[key];
  }
  return found;
}

export function resolveReference(root: unknown, reference: unknown, budget: FillBudget): unknown {
  const found = typeof reference === "string" ? findReference(root, reference, budget) : undefined;
  if (found === undefined) throw new UnfillableSchemaError(`the reference ${quote(reference)} leads nowhere.`);
  return found;
}

function decodeStep(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return step;
  }
}

/** The types a schema allows; where it does not say, the one its keywords are about. */
export function listTypes(schema: Schema, budget: FillBudget): JsonType[] {
  if (typeof schema.type === "string") return [schema.type as JsonType];
  if (Array.isArray(schema.type)) {
    budget.spendSteps(schema.type.length);
    return [...new Set(schema.type as JsonType[])];
  }
  const speaksOf = (...keywords: string[]) => keywords.some((keyword) => schema[keyword] !== undefined);
  if (speaksOf("properties", "required", "additionalProperties", "minProperties")) return ["object"];
  if (speaksOf("items", "prefixItems", "minItems", "uniqueItems")) return ["array"];
  if (speaksOf("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")) return ["number"];
  return ["string"];
}

function hasType(value: unknown, types: ReadonlySet<JsonType>): boolean {
  if (value === null) return types.has("null");
  if (Array.isArray(value)) return types.has("array");
  if (typeof value === "number" && Number.isInteger(value) && types.has("integer")) return true;
  return types.has(typeof value as JsonType);
}

/** The values of `enum` or `const` that the other one and `type` allow. */
export function listValues(core: Schema, budget: FillBudget): readonly unknown[] {
  const listed = core.enum === undefined ? [core.const] : toList(core.enum);
  budget.spendSteps(listed.length);
  const types = core.type === undefined ? undefined : new Set(listTypes(core, budget));
  const typed = types === undefined ? listed : listed.filter((value) => hasType(value, types));
  if (core.const === undefined) return typed;
  const only = toJson(core.const, budget);
  return typed.filter((value) => toJson(value, budget) === only);
}

/** Whether a property may be added that the schema does not name. Names of a certain kind are not made up here. */
export function allowsMoreProperties(core: Schema): boolean {
  return (
    core.additionalProperties !== false && core.patternProperties === undefined && core.propertyNames === undefined
  );
}

export function isRecord(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `properties`, `required` and the like, whatever the client wrote there. */
export function toRecord(value: unknown): Schema {
  return isRecord(value) ? value : {};
}

export function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function toNumber(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** A schema without applicators that holds where both do. What cannot be said in one keyword is left to `allOf`. */
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
        throw new UnfillableSchemaError(`two different '${keyword}' must hold at once.`);
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
  throw new UnfillableSchemaError("two 'multipleOf' must hold at once.");
}

/** Where one of the two allows no further properties, those that only the other one knows are forbidden. */
function mergeProperties(first: Schema, second: Schema, budget: FillBudget): Schema {
  const [own, others] = [toRecord(first.properties), toRecord(second.properties)];
  const entries: [string, unknown][] = [];
  const [ownNames, otherNames] = [Object.keys(own), Object.keys(others)];
  // Each of them becomes a name, an entry and maybe a schema of its own.
  budget.spendSteps(8 * (ownNames.length + otherNames.length));
  for (const name of new Set([...ownNames, ...otherNames])) {
    const parts = [
      Object.hasOwn(own, name) ? own[name] : (first.additionalProperties ?? true),
      Object.hasOwn(others, name) ? others[name] : (second.additionalProperties ?? true),
    ].filter((part) => part !== true);
    entries.push([name, parts.length === 1 ? parts[0] : { allOf: parts }]);
  }
  return Object.fromEntries(entries);
}

function toJson(value: unknown, budget: FillBudget): string {
  budget.spendOnValue(value);
  return JSON.stringify(value);
}
