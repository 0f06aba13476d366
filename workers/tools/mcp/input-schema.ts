/**
 * Checks whether a provider accepts a tool's schema. Providers reject a whole request for one invalid schema, and
 * servers send many (https://github.com/sandialabs/atlas-ui-3/issues/727). A null keyword counts as missing: some
 * languages write empty lists and maps like that. A missing `type` can only be `object`.
 */
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { isRecord } from "./is-record.ts";

/** The maximum depth of a request. */
const MAX_LEVELS = 256;
/** Keywords with data instead of schemas. */
const DATA_KEYWORDS: ReadonlySet<string> = new Set(["const", "default", "enum", "example", "examples"]);
const NULL_KEYWORDS: ReadonlySet<string> = new Set(["const", "default", "example"]);
/** Keywords with schemas by names of the server's choice. */
const MAP_KEYWORDS: ReadonlySet<string> = new Set([
  "$defs",
  "definitions",
  "dependencies",
  "dependentSchemas",
  "patternProperties",
  "properties",
]);

const OPTIONS = { strict: false, validateFormats: false, logger: false } as const;
const draft2020Validator = new Ajv2020(OPTIONS);
const draft7Validator = new Ajv(OPTIONS);

export type CheckedSchema = { kind: "valid"; schema: Record<string, unknown> } | { kind: "flawed"; flaw: string };

const flawed = (flaw: string): CheckedSchema => ({ kind: "flawed", flaw });

/** A flaw continues a sentence that starts with the schema. */
export function checkInputSchema(value: unknown): CheckedSchema {
  if (!isRecord(value)) return flawed(`is ${describeKind(value)}, not an object`);
  if (isTooDeep(value)) return flawed(`nests deeper than ${MAX_LEVELS} levels`);
  const schema = removeNulls(value);
  const { type = "object" } = schema;
  const isObject = type === "object" || (Array.isArray(type) && type.includes("object"));
  if (!isObject) return flawed(`is of type ${JSON.stringify(type).slice(0, 100)}, not "object"`);
  const whole = { ...schema, type: "object" };
  const reference = findDanglingReference(whole);
  if (reference !== undefined) return flawed(`has a $ref without a target: ${reference.slice(0, 200)}`);
  const error = findSchemaError(whole);
  return error === undefined
    ? { kind: "valid", schema: whole }
    : flawed(`is not a JSON schema: ${error.slice(0, 200)}`);
}

function describeKind(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}

/** Without recursion, which a deep schema would overflow. */
function isTooDeep(root: object): boolean {
  let level: object[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth >= MAX_LEVELS) return true;
    level = level.flatMap((each) =>
      Object.values(each).filter((inner): inner is object => typeof inner === "object" && inner !== null),
    );
  }
  return false;
}

function removeNulls(schema: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(schema).filter(([key, value]) => value !== null || NULL_KEYWORDS.has(key));
  return Object.fromEntries(entries.map(([key, value]) => [key, cleanKeyword(key, value)]));
}

function cleanKeyword(key: string, value: unknown): unknown {
  if (DATA_KEYWORDS.has(key)) return value;
  if (Array.isArray(value)) return value.map((each: unknown) => (isRecord(each) ? removeNulls(each) : each));
  if (!isRecord(value)) return value;
  if (!MAP_KEYWORDS.has(key)) return removeNulls(value);
  const named = Object.entries(value).map(([name, each]) => [name, isRecord(each) ? removeNulls(each) : (each ?? {})]);
  return Object.fromEntries(named) as Record<string, unknown>;
}

/** Few servers name their draft. A schema that is valid in one of the two common drafts is valid. */
function findSchemaError({ $schema: _draft, ...schema }: Record<string, unknown>): string | undefined {
  if (draft2020Validator.validateSchema(schema) === true || draft7Validator.validateSchema(schema) === true)
    return undefined;
  const [error] = draft2020Validator.errors ?? [];
  return `${error?.instancePath ?? ""} ${error?.message ?? ""}`.trim();
}

/** The first reference without a target in the schema. Providers fetch no other schemas. */
function findDanglingReference(root: Record<string, unknown>): string | undefined {
  const references: string[] = [];
  const names = new Set([""]);
  let hasOwnBase = false;
  visit(root, (schema) => {
    const { $ref, $id, $anchor, $dynamicAnchor } = schema;
    if (typeof $ref === "string") references.push($ref);
    if (typeof $id === "string") {
      names.add($id);
      // A pointer below this schema may be relative to it.
      hasOwnBase ||= schema !== root;
    }
    for (const anchor of [$anchor, $dynamicAnchor]) if (typeof anchor === "string") names.add(`#${anchor}`);
  });
  return references.find((reference) => {
    if (names.has(reference)) return false;
    const hash = reference.indexOf("#");
    const base = hash < 0 ? reference : reference.slice(0, hash);
    if (!names.has(base) || hash < 0) return true;
    const fragment = reference.slice(hash);
    return !hasOwnBase && !names.has(fragment) && !resolvesTo(root, fragment);
  });
}

function visit(schema: Record<string, unknown>, see: (schema: Record<string, unknown>) => void): void {
  see(schema);
  for (const [key, value] of Object.entries(schema)) {
    if (DATA_KEYWORDS.has(key) || typeof value !== "object" || value === null) continue;
    const isMany = Array.isArray(value) || MAP_KEYWORDS.has(key);
    for (const each of isMany ? Object.values(value) : [value]) if (isRecord(each)) visit(each, see);
  }
}

function resolvesTo(root: unknown, fragment: string): boolean {
  if (fragment === "#") return true;
  if (!fragment.startsWith("#/")) return false;
  let target: unknown = root;
  for (const part of fragment.slice(2).split("/")) {
    const key = unescapePointer(part);
    if (typeof target !== "object" || target === null || !Object.hasOwn(target, key)) return false;
    target = Reflect.get(target, key);
  }
  return typeof target === "boolean" || isRecord(target);
}

function unescapePointer(part: string): string {
  const plain = part.replaceAll("~1", "/").replaceAll("~0", "~");
  try {
    return decodeURIComponent(plain);
  } catch {
    // The percent sign encodes nothing.
    return plain;
  }
}
