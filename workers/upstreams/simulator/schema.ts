/**
 * The part of JSON Schema (draft 2020-12, and `definitions` of older ones) that the simulator can fill, and how two
 * schemas that both hold become one.
 */

export type Schema = Readonly<Record<string, unknown>>;

export type JsonType = "null" | "boolean" | "integer" | "number" | "string" | "array" | "object";

/** No value satisfies the schema, or none that the simulator could find. The message says why, for the client. */
export class UnfillableSchemaError extends Error {
  override readonly name = "UnfillableSchemaError";
}

/** Filling these needs a search, not a rule. They are refused: JSON that is not valid must never look as if it were. */
const UNSUPPORTED = [
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
export function asSchema(value: unknown): Schema {
  if (value === true) return {};
  if (value === false) throw new UnfillableSchemaError("a place that must be filled has the schema false.");
  if (!isRecord(value)) throw new UnfillableSchemaError("a schema must be an object or a boolean.");
  const unsupported = UNSUPPORTED.find((keyword) => value[keyword] !== undefined);
  if (unsupported !== undefined) throw new UnfillableSchemaError(`the keyword '${unsupported}' is not supported.`);
  return value;
}

/** Follows a JSON pointer inside the same document (RFC 6901). Undefined if there is nothing. */
export function findReference(root: unknown, reference: string): unknown {
  if (reference !== "#" && !reference.startsWith("#/")) return undefined;
  let found: unknown = root;
  for (const step of reference.split("/").slice(1)) {
    const key = decodeStep(step);
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Schema)[key];
  }
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
export function typesOf(schema: Schema): JsonType[] {
  if (typeof schema.type === "string") return [schema.type as JsonType];
  if (Array.isArray(schema.type)) return schema.type as JsonType[];
  const speaksOf = (...keywords: string[]) => keywords.some((keyword) => schema[keyword] !== undefined);
  if (speaksOf("properties", "required", "additionalProperties", "minProperties")) return ["object"];
  if (speaksOf("items", "prefixItems", "minItems", "uniqueItems")) return ["array"];
  if (speaksOf("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")) return ["number"];
  return ["string"];
}

function hasType(value: unknown, types: readonly JsonType[]): boolean {
  if (value === null) return types.includes("null");
  if (Array.isArray(value)) return types.includes("array");
  if (typeof value === "number" && Number.isInteger(value) && types.includes("integer")) return true;
  return types.includes(typeof value as JsonType);
}

/** The values of `enum` or `const` that the other one and `type` allow. */
export function listedValues(core: Schema): readonly unknown[] {
  const listed = core.enum === undefined ? [core.const] : listOf(core.enum);
  const types = core.type === undefined ? undefined : typesOf(core);
  return listed.filter(
    (value) =>
      (core.const === undefined || isSame(value, core.const)) && (types === undefined || hasType(value, types)),
  );
}

export function isRecord(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `properties`, `required` and the like, whatever the client wrote there. */
export function recordOf(value: unknown): Schema {
  return isRecord(value) ? value : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** A schema without applicators that holds where both do. What cannot be said in one keyword is left to `allOf`. */
export function mergeSchemas(first: Schema, second: Schema): Schema {
  const merged: Record<string, unknown> = { ...first };
  for (const [keyword, value] of Object.entries(second)) {
    const other = Object.hasOwn(first, keyword) ? first[keyword] : undefined;
    merged[keyword] = other === undefined ? value : mergeKeyword(keyword, other, value);
  }
  if (first.properties !== undefined || second.properties !== undefined) {
    merged.properties = mergeProperties(first, second);
  }
  return merged;
}

function mergeKeyword(keyword: string, first: unknown, second: unknown): unknown {
  switch (keyword) {
    case "type":
      return commonTypes(typesOf({ type: first }), typesOf({ type: second }));
    case "enum":
      return commonValues(listOf(first), listOf(second));
    case "required":
      return [...new Set([...listOf(first), ...listOf(second)])];
    case "items":
    case "additionalProperties":
      return { allOf: [first, second] };
    case "multipleOf":
      return commonMultiple(first, second);
    case "const":
    case "pattern":
    case "prefixItems":
      if (!isSame(first, second)) throw new UnfillableSchemaError(`two different '${keyword}' must hold at once.`);
      return first;
    default:
      if (/^(?:min|exclusiveMin)/.test(keyword)) return tighter(first, second, Math.max);
      if (/^(?:max|exclusiveMax)/.test(keyword)) return tighter(first, second, Math.min);
      return second;
  }
}

function commonValues(first: readonly unknown[], second: readonly unknown[]): unknown[] {
  const others = new Set(second.map((value) => JSON.stringify(value)));
  return first.filter((value) => others.has(JSON.stringify(value)));
}

function commonTypes(first: readonly JsonType[], second: readonly JsonType[]): JsonType[] {
  const both = first.flatMap((type) => {
    if (second.includes(type)) return [type];
    if (type === "number" && second.includes("integer")) return ["integer" as const];
    return type === "integer" && second.includes("number") ? [type] : [];
  });
  if (both.length === 0) throw new UnfillableSchemaError("no type satisfies all parts of the schema.");
  return both;
}

function tighter(first: unknown, second: unknown, choose: (a: number, b: number) => number): unknown {
  return typeof first === "number" && typeof second === "number" ? choose(first, second) : second;
}

function commonMultiple(first: unknown, second: unknown): number {
  const [a, b] = [numberOf(first) ?? 1, numberOf(second) ?? 1];
  for (let times = 1; times <= 1_000; times++) if (Number.isInteger((a * times) / b)) return a * times;
  throw new UnfillableSchemaError("two 'multipleOf' must hold at once.");
}

/** Where one of the two allows no further properties, those that only the other one knows are forbidden. */
function mergeProperties(first: Schema, second: Schema): Schema {
  const [own, others] = [recordOf(first.properties), recordOf(second.properties)];
  const entries: [string, unknown][] = [];
  for (const name of new Set([...Object.keys(own), ...Object.keys(others)])) {
    const parts = [
      Object.hasOwn(own, name) ? own[name] : (first.additionalProperties ?? true),
      Object.hasOwn(others, name) ? others[name] : (second.additionalProperties ?? true),
    ].filter((part) => part !== true);
    entries.push([name, parts.length === 1 ? parts[0] : { allOf: parts }]);
  }
  return Object.fromEntries(entries);
}

function isSame(first: unknown, second: unknown): boolean {
  return JSON.stringify(first) === JSON.stringify(second);
}
