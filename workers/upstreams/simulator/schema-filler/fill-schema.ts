/**
 * Makes a value that a JSON schema accepts, for function arguments and for `text.format` (README.md). It throws an
 * UnfillableSchemaError if it cannot.
 */
import { FillBudget } from "./fill-budget.ts";
import { fillNumber, fillString } from "./fill-scalar.ts";
import * as schemas from "./schema.ts";
import { type FlatSchema, SchemaFlattener } from "./flatten-schema.ts";
import type { JsonType, Schema } from "./schema.ts";
import { UnfillableSchemaError } from "./unfillable-schema-error.ts";
import { SchemaHeights } from "./schema-height.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Below this depth, or after this many parts, only required values are filled. */
const GENEROUS_DEPTH = 5;
const GENEROUS_PARTS = 500;
const MAX_DEPTH = 100;
/** Maximum nested choices between alternatives: each is a call on the stack. */
const MAX_NESTED_CHOICES = 1_000;
/** Maximum attempts to fill an item that differs from the others. */
const MAX_UNIQUE_ATTEMPTS = 100;

/** Returns the same value for the same schema and random numbers. Schemas of one request may share a budget. */
export function fillSchema(schema: unknown, random: SeededRandom, budget = new FillBudget()): unknown {
  return new SchemaFiller(schema, random, budget).fill(schema, 0);
}

class SchemaFiller {
  readonly #random: SeededRandom;
  readonly #flattener: SchemaFlattener;
  readonly #heights: SchemaHeights;
  readonly #budget: FillBudget;
  #nestedChoices = 0;

  constructor(root: unknown, random: SeededRandom, budget: FillBudget) {
    this.#random = random;
    this.#budget = budget;
    this.#flattener = new SchemaFlattener(root, budget);
    this.#heights = new SchemaHeights(root, budget);
  }

  fill(schema: unknown, depth: number): unknown {
    if (depth > MAX_DEPTH) throw new UnfillableSchemaError("it is nested too deeply or requires itself.");
    return this.#choose(this.#flattener.flatten(schema), depth);
  }

  #choose({ core, choices }: FlatSchema, depth: number): unknown {
    const branches = choices[0];
    if (branches === undefined) return this.#fillCore(core, depth);
    if (this.#nestedChoices >= MAX_NESTED_CHOICES)
      throw new UnfillableSchemaError("it combines too many alternatives.");
    this.#nestedChoices++;
    try {
      return this.#chooseFrom(branches, { core, choices: choices.slice(1) }, depth);
    } finally {
      this.#nestedChoices--;
    }
  }

  #chooseFrom(branches: readonly unknown[], rest: FlatSchema, depth: number): unknown {
    let lastError: UnfillableSchemaError | undefined;
    for (const branch of this.#orderBranches(branches, depth)) {
      try {
        return this.#choose(this.#flattener.merge(rest, this.#flattener.flatten(branch)), depth);
      } catch (error) {
        // Without budget, all other branches would fail too.
        if (!(error instanceof UnfillableSchemaError) || this.#flattener.isExhausted) throw error;
        lastError = error;
      }
    }
    throw lastError ?? new UnfillableSchemaError("none of its alternatives can be filled.");
  }

  #orderBranches(branches: readonly unknown[], depth: number): unknown[] {
    // The branches are copied and sorted.
    this.#budget.spendSteps(2 * branches.length);
    const heights = new Map(branches.map((branch) => [branch, this.#heights.heightOf(branch)]));
    const height = (branch: unknown) => heights.get(branch) ?? Infinity;
    if (this.#fillsRequiredOnly(depth)) return [...branches].sort((a, b) => height(a) - height(b) || 0);
    const start = this.#random.below(branches.length);
    const finite = [...branches.slice(start), ...branches.slice(0, start)];
    return finite.filter((branch) => height(branch) !== Infinity);
  }

  #fillCore(core: Schema, depth: number): unknown {
    if (core.const === undefined && core.enum === undefined) {
      return this.#fillType(core, this.#pickType(core, depth), depth);
    }
    const values = schemas.listValues(core, this.#budget);
    if (values.length === 0) throw new UnfillableSchemaError("no value in its 'enum' or 'const' is allowed.");
    return this.#countValue(values[this.#random.below(values.length)]);
  }

  /** Chooses null only if no other type is allowed, or if the value must end. */
  #pickType(core: Schema, depth: number): JsonType {
    const types = schemas.listTypes(core, this.#budget);
    if (types.length === 0) throw new UnfillableSchemaError("its 'type' allows no type.");
    const nonNull = types.filter((type) => type !== "null");
    if (!this.#fillsRequiredOnly(depth)) return nonNull.length === 0 ? "null" : this.#random.pick(nonNull);
    return types.find((type) => type !== "object" && type !== "array") ?? this.#random.pick(types);
  }

  #fillType(core: Schema, type: JsonType, depth: number): unknown {
    switch (type) {
      case "null":
        return null;
      case "boolean":
        return this.#random.below(2) === 1;
      case "integer":
      case "number":
        return fillNumber(core, type === "integer", this.#random, this.#budget);
      case "string":
        return this.#countValue(fillString(core, this.#random, this.#budget));
      case "array":
        return this.#fillArray(core, depth);
      case "object":
        return this.#fillObject(core, depth);
      default:
        throw new UnfillableSchemaError(`${schemas.quote(type)} is not a type.`);
    }
  }

  #fillObject(core: Schema, depth: number): Record<string, unknown> {
    const properties = schemas.toRecord(core.properties);
    // Each name is visited several times.
    this.#budget.spendSteps(8 * (Object.keys(properties).length + schemas.toList(core.required).length));
    const required = schemas.toList(core.required).filter((name) => typeof name === "string");
    const minimum = schemas.toNumber(core.minProperties) ?? 0;
    const maximum = schemas.toNumber(core.maxProperties) ?? Infinity;
    const names = new Set(required);
    for (const [name, schema] of Object.entries(properties)) {
      const isWanted = names.size < minimum || (!this.#fillsRequiredOnly(depth) && this.#random.below(4) > 0);
      if (isWanted && names.size < maximum && this.#heights.heightOf(schema) !== Infinity) names.add(name);
    }
    const isMap =
      schemas.isRecord(core.additionalProperties) &&
      core.properties === undefined &&
      schemas.allowsMoreProperties(core);
    const target = Math.min(maximum, Math.max(minimum, isMap && !this.#fillsRequiredOnly(depth) ? names.size + 2 : 0));
    for (let number = 1; names.size < target; number++) {
      this.#flattener.countPart();
      if (!schemas.allowsMoreProperties(core))
        throw new UnfillableSchemaError("'minProperties' exceeds the number of its properties.");
      names.add(`entry_${number}`);
    }
    if (names.size > maximum) throw new UnfillableSchemaError("it requires more properties than 'maxProperties'.");
    // In the schema's order, in which a model would write them.
    const ordered = new Set([...Object.keys(properties).filter((name) => names.has(name)), ...names]);
    return Object.fromEntries([...ordered].map((name) => [name, this.#fillProperty(core, properties, name, depth)]));
  }

  #fillProperty(core: Schema, properties: Schema, name: string, depth: number): unknown {
    this.#budget.spendCharacters(name.length);
    if (Object.hasOwn(properties, name)) return this.fill(properties[name], depth + 1);
    if (!schemas.allowsMoreProperties(core))
      throw new UnfillableSchemaError(`${schemas.quote(name)} is required but not among its properties.`);
    return this.fill(core.additionalProperties ?? true, depth + 1);
  }

  #fillArray(core: Schema, depth: number): unknown[] {
    const isTuple = Array.isArray(core.items);
    const first = schemas.toList(isTuple ? core.items : core.prefixItems);
    const rest: unknown = (isTuple ? core.additionalItems : core.items) ?? true;
    this.#budget.spendSteps(first.length);
    const length = this.#arrayLength(core, first, rest, depth);
    const items: unknown[] = [];
    const seen = new Set<string>();
    while (items.length < length) {
      const schema = items.length < first.length ? first[items.length] : rest;
      const item = this.#fillItem(schema, core.uniqueItems === true ? seen : undefined, depth);
      if (item !== undefined) items.push(item);
      else if (items.length >= (schemas.toNumber(core.minItems) ?? 0)) break;
      else throw new UnfillableSchemaError("not enough different items were found for 'uniqueItems'.");
    }
    return items;
  }

  #arrayLength(core: Schema, first: readonly unknown[], rest: unknown, depth: number): number {
    const minimum = schemas.toNumber(core.minItems) ?? 0;
    const maximum = Math.min(schemas.toNumber(core.maxItems) ?? Infinity, rest === false ? first.length : Infinity);
    if (minimum > maximum) throw new UnfillableSchemaError("'minItems' exceeds the possible number of items.");
    if (this.#fillsRequiredOnly(depth)) return minimum;
    const possible = first.findIndex((schema) => this.#heights.heightOf(schema) === Infinity);
    if (possible !== -1) return Math.max(minimum, Math.min(possible, maximum));
    const hasMore = rest !== true && this.#heights.heightOf(rest) !== Infinity;
    const target = first.length + (hasMore ? 1 + this.#random.below(3) : 0);
    return Math.min(maximum, Math.max(minimum, target));
  }

  /** Undefined if every attempt is in `seen`. */
  #fillItem(schema: unknown, seen: Set<string> | undefined, depth: number): unknown {
    if (seen === undefined) return this.fill(schema, depth + 1);
    for (let attempt = 0; attempt < MAX_UNIQUE_ATTEMPTS; attempt++) {
      const item = this.fill(schema, depth + 1);
      this.#budget.spendOnValue(item);
      const json = JSON.stringify(item);
      if (seen.has(json)) continue;
      seen.add(json);
      return item;
    }
    return undefined;
  }

  #fillsRequiredOnly(depth: number): boolean {
    return depth >= GENEROUS_DEPTH || this.#flattener.parts > GENEROUS_PARTS;
  }

  #countValue<T>(value: T): T {
    if (typeof value === "object") this.#budget.spendOnValue(value);
    this.#budget.spendCharacters(typeof value === "object" ? JSON.stringify(value).length : String(value).length);
    return value;
  }
}
