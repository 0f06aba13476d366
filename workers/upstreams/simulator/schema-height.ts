/**
 * How deep the smallest value of a schema is: 0 for a string, 1 for an object that needs nothing but strings, Infinity
 * for one that contains itself without end. A filler that takes the lowest branch comes to an end.
 */
import { findReference, isRecord, listOf, recordOf, type Schema, typesOf, UnfillableSchemaError } from "./schema.ts";

/** Deeper than anything that is filled. */
const NESTING_MAXIMUM = 200;
/** Approximation could take long for a schema made for that. */
const VISITS_MAXIMUM = 1_000_000;

export class SchemaHeights {
  readonly #byReference = new Map<string, number>();
  #visits = 0;

  /**
   * References may go round in circles, so their heights are found by approximation from above: all are infinite at
   * first, and each round settles those that need only settled ones.
   */
  constructor(root: unknown) {
    for (const reference of referencesIn(root)) this.#byReference.set(reference, Infinity);
    let changed = true;
    while (changed) {
      changed = false;
      for (const [reference, before] of this.#byReference) {
        const height = this.heightOf(findReference(root, reference) ?? false);
        if (height < before) {
          this.#byReference.set(reference, height);
          changed = true;
        }
      }
    }
  }

  heightOf(schema: unknown, nesting = 0): number {
    if (++this.#visits > VISITS_MAXIMUM) throw new UnfillableSchemaError("its references are too entangled.");
    if (schema === true) return 0;
    if (!isRecord(schema) || nesting > NESTING_MAXIMUM) return Infinity;
    const inner = (part: unknown) => this.heightOf(part, nesting + 1);
    const heights = [this.#ownHeight(schema, inner), ...listOf(schema.allOf).map(inner)];
    if (typeof schema.$ref === "string") heights.push(this.#byReference.get(schema.$ref) ?? Infinity);
    for (const branches of [schema.anyOf, schema.oneOf]) {
      if (Array.isArray(branches)) heights.push(Math.min(...branches.map(inner)));
    }
    return Math.max(...heights);
  }

  #ownHeight(schema: Schema, inner: (part: unknown) => number): number {
    if (schema.const !== undefined || schema.enum !== undefined) return 0;
    const heights = typesOf(schema).map((type) => {
      if (type === "object") return 1 + Math.max(0, ...requiredParts(schema).map(inner));
      if (type === "array") return 1 + Math.max(0, ...neededItems(schema).map(inner));
      return 0;
    });
    return Math.min(...heights);
  }
}

function requiredParts(schema: Schema): unknown[] {
  const properties = recordOf(schema.properties);
  return listOf(schema.required).map((name) =>
    typeof name === "string" && Object.hasOwn(properties, name)
      ? properties[name]
      : (schema.additionalProperties ?? true),
  );
}

function neededItems(schema: Schema): unknown[] {
  const needed = typeof schema.minItems === "number" ? schema.minItems : 0;
  const first = listOf(schema.prefixItems).slice(0, needed);
  return needed > first.length ? [...first, schema.items ?? true] : first;
}

/** Every `$ref` in the document, also where none is meant: one that leads nowhere is never followed. */
function referencesIn(root: unknown): Set<string> {
  const references = new Set<string>();
  const unseen: unknown[] = [root];
  while (unseen.length > 0) {
    const part = unseen.pop();
    if (typeof part !== "object" || part === null) continue;
    if ("$ref" in part && typeof part.$ref === "string") references.add(part.$ref);
    for (const inner of Object.values(part)) unseen.push(inner);
  }
  return references;
}
