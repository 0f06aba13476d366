/** The part of JSON Schema that the simulator can fill: draft 2020-12, and `definitions` and tuples of older drafts. */

import type { FillBudget } from "./fill-budget.ts";

export type Schema = Readonly<Record<string, unknown>>;

export type JsonType = "null" | "boolean" | "integer" | "number" | "string" | "array" | "object";

/** No value satisfies the schema, or the simulator found none. The message tells the client why. */
export class UnfillableSchemaError extends Error {
  override readonly name = "UnfillableSchemaError";
}
const QUOTED_CHARACTERS = 200;

/** Quotes the schema's text in a message, shortened: a pattern may be as long as the request. */
export function quote(text: unknown): string {
  const written = String(text);
  return `'${written.length > QUOTED_CHARACTERS ? `${written.slice(0, QUOTED_CHARACTERS)}…` : written}'`;
}

/** Filling these requires a search. They are rejected, because invalid JSON must never look valid. */
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

/** `true` allows every value, `false` none. */
export function toSchema(value: unknown): Schema {
  if (value === true) return {};
  if (value === false) throw new UnfillableSchemaError("a required value has the schema false.");
  if (!isRecord(value)) throw new UnfillableSchemaError("a schema must be an object or a boolean.");
  const unsupported = UNSUPPORTED_KEYWORDS.find((keyword) => value[keyword] !== undefined);
  if (unsupported !== undefined) throw new UnfillableSchemaError(`the keyword '${unsupported}' is not supported.`);
  return value;
}

/** Follows a JSON pointer inside the same document (RFC 6901). Undefined if it does not resolve. */
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
  if (found === undefined) throw new UnfillableSchemaError(`the reference ${quote(reference)} does not resolve.`);
  return found;
}

function decodeStep(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return step;
  }
}

/** The types that a schema allows; without `type`, the one that its keywords apply to. */
export function listTypes(schema: Schema, budget: FillBudget): JsonType[] {
  if (typeof schema.type === "string") return [schema.type as JsonType];
  if (Array.isArray(schema.type)) {
    budget.spendSteps(schema.type.length);
    return [...new Set(schema.type as JsonType[])];
  }
  const uses = (...keywords: string[]) => keywords.some((keyword) => schema[keyword] !== undefined);
  if (uses("properties", "required", "additionalProperties", "minProperties")) return ["object"];
  if (uses("items", "prefixItems", "minItems", "uniqueItems")) return ["array"];
  if (uses("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")) return ["number"];
  return ["string"];
}

function hasType(value: unknown, types: ReadonlySet<JsonType>): boolean {
  if (value === null) return types.has("null");
  if (Array.isArray(value)) return types.has("array");
  if (typeof value === "number" && Number.isInteger(value) && types.has("integer")) return true;
  return types.has(typeof value as JsonType);
}

/** The values of `enum` or `const` that all of `enum`, `const` and `type` allow. */
export function listValues(core: Schema, budget: FillBudget): readonly unknown[] {
  const listed = core.enum === undefined ? [core.const] : toList(core.enum);
  budget.spendSteps(listed.length);
  const types = core.type === undefined ? undefined : new Set(listTypes(core, budget));
  const typed = types === undefined ? listed : listed.filter((value) => hasType(value, types));
  if (core.const === undefined) return typed;
  const only = toJson(core.const, budget);
  return typed.filter((value) => toJson(value, budget) === only);
}

/** Whether a property without a schema of its own may be added. Names for patterns are not generated. */
export function allowsMoreProperties(core: Schema): boolean {
  return (
    core.additionalProperties !== false && core.patternProperties === undefined && core.propertyNames === undefined
  );
}

export function isRecord(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object such as `properties`; empty if the client wrote anything else. */
export function toRecord(value: unknown): Schema {
  return isRecord(value) ? value : {};
}

export function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function toNumber(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

export function toJson(value: unknown, budget: FillBudget): string {
  budget.spendOnValue(value);
  return JSON.stringify(value);
}
