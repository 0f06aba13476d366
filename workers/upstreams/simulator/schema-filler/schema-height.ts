/**
 * The depth of a schema's smallest value: 0 for a string, 1 for an object that requires only strings, Infinity for a schema
 * that requires itself. A filler that takes the lowest branch always ends.
 */
import type { FillBudget } from "./fill-budget.ts";
import { findReference, isRecord, toList, toRecord, type Schema, listTypes } from "./schema.ts";

/** Deeper than any value that is filled. */
const MAX_NESTING = 200;

export class SchemaHeights {
  readonly #budget: FillBudget;
  readonly #byReference = new Map<string, number>();
  /** Heights by schema, once those of all references are final. */
  readonly #settled = new Map<Schema, number>();
  #isSettled = false;

  /**
   * References may be cyclic, so their heights are approximated from above: all start as infinite, and each round settles
   * those that depend only on settled ones.
   */
  constructor(root: unknown, budget: FillBudget) {
    this.#budget = budget;
    for (const reference of collectReferences(root, budget)) this.#byReference.set(reference, Infinity);
    let changed = true;
    while (changed) {
      changed = false;
      for (const [reference, before] of this.#byReference) {
        const height = this.heightOf(findReference(root, reference, budget) ?? false);
        if (height < before) {
          this.#byReference.set(reference, height);
          changed = true;
        }
      }
    }
    this.#isSettled = true;
  }

  heightOf(schema: unknown, nesting = 0): number {
    this.#budget.spendSteps(1);
    if (schema === true) return 0;
    if (!isRecord(schema) || nesting > MAX_NESTING) return Infinity;
    const settled = this.#settled.get(schema);
    if (settled !== undefined) return settled;
    const height = this.#measure(schema, (part) => this.heightOf(part, nesting + 1));
    if (this.#isSettled) this.#settled.set(schema, height);
    return height;
  }

  #measure(schema: Schema, inner: (part: unknown) => number): number {
    let height = Math.max(this.#ownHeight(schema, inner), highest(toList(schema.allOf), inner));
    if (typeof schema.$ref === "string") height = Math.max(height, this.#byReference.get(schema.$ref) ?? Infinity);
    for (const branches of [schema.anyOf, schema.oneOf]) {
      if (Array.isArray(branches)) height = Math.max(height, lowest(branches, inner));
    }
    return height;
  }

  #ownHeight(schema: Schema, inner: (part: unknown) => number): number {
    if (schema.const !== undefined || schema.enum !== undefined) return 0;
    return lowest(listTypes(schema, this.#budget), (type) => {
      if (type === "object") return 1 + highest(this.#requiredParts(schema), inner);
      if (type === "array") return 1 + highest(this.#neededItems(schema), inner);
      return 0;
    });
  }

  #requiredParts(schema: Schema): unknown[] {
    const properties = toRecord(schema.properties);
    const required = toList(schema.required);
    this.#budget.spendSteps(required.length);
    return required.map((name) =>
      typeof name === "string" && Object.hasOwn(properties, name)
        ? properties[name]
        : (schema.additionalProperties ?? true),
    );
  }

  #neededItems(schema: Schema): unknown[] {
    const needed = typeof schema.minItems === "number" ? schema.minItems : 0;
    const listed = toList(schema.prefixItems);
    this.#budget.spendSteps(listed.length);
    const first = listed.slice(0, needed);
    return needed > first.length ? [...first, schema.items ?? true] : first;
  }
}

/** 0 if there are no parts. */
function highest<T>(parts: readonly T[], heightOf: (part: T) => number): number {
  let height = 0;
  for (const part of parts) height = Math.max(height, heightOf(part));
  return height;
}

/** Infinity if there are no parts. */
function lowest<T>(parts: readonly T[], heightOf: (part: T) => number): number {
  let height = Infinity;
  for (const part of parts) height = Math.min(height, heightOf(part));
  return height;
}

/** Every `$ref` in the document, even in data: one that is not a reference is never followed. */
function collectReferences(root: unknown, budget: FillBudget): Set<string> {
  const references = new Set<string>();
  const unseen: unknown[] = [root];
  while (unseen.length > 0) {
    const part = unseen.pop();
    if (typeof part !== "object" || part === null) continue;
    if ("$ref" in part && typeof part.$ref === "string") references.add(part.$ref);
    const inners = Object.values(part);
    budget.spendSteps(1 + inners.length);
    for (const inner of inners) unseen.push(inner);
  }
  return references;
}
