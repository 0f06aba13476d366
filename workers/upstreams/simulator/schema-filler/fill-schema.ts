/**
 * `fillSchema` makes a value that a JSON schema accepts: for function arguments and for `text.format`. It is the same
 * value for the same schema and numbers. What it cannot fill it refuses with an UnfillableSchemaError; it never runs a
 * client's regular expression, and it does a bounded amount of work whatever the schema is: all of it is drawn from one
 * budget.
 */
import { FillBudget } from "./fill-budget.ts";
import { fillNumber, fillString } from "./fill-scalar.ts";
import * as schemas from "./schema.ts";
import { type JsonType, type Schema, UnfillableSchemaError } from "./schema.ts";
import { SchemaHeights } from "./schema-height.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Below this depth, or after this many parts, only what the schema insists on is filled in. */
const GENEROUS_DEPTH = 5;
const GENEROUS_PARTS = 500;
const MAX_DEPTH = 100;
/** Schemas taken apart, however cheap each is. */
const MAX_PARTS = 20_000;
/** Lists of alternatives that are chosen from at once, one inside another: each is a call on the stack. */
const MAX_NESTED_CHOICES = 1_000;
/** How often another item is tried where all must differ. */
const MAX_UNIQUE_ATTEMPTS = 100;

/** Several schemas of one request may share a budget. */
export function fillSchema(schema: unknown, random: SeededRandom, budget = new FillBudget()): unknown {
  return new SchemaFiller(schema, random, budget).fill(schema, 0);
}

/** A schema taken apart: what must hold, and the alternatives still to choose from. */
interface FlatSchema {
  core: Schema;
  choices: readonly (readonly unknown[])[];
}

class SchemaFiller {
  readonly #root: unknown;
  readonly #random: SeededRandom;
  readonly #heights: SchemaHeights;
  readonly #budget: FillBudget;
  #parts = 0;
  #nestedChoices = 0;

  constructor(root: unknown, random: SeededRandom, budget: FillBudget) {
    this.#root = root;
    this.#random = random;
    this.#budget = budget;
    this.#heights = new SchemaHeights(root, budget);
  }

  fill(schema: unknown, depth: number): unknown {
    if (depth > MAX_DEPTH) throw new UnfillableSchemaError("it is nested too deeply, or contains itself.");
    return this.#choose(this.#flatten(schema, 0), depth);
  }

  /** References and `allOf` are merged into one schema; alternatives are kept for `#choose`. */
  #flatten(schema: unknown, hops: number): FlatSchema {
    this.#countPart();
    if (hops > MAX_DEPTH) throw new UnfillableSchemaError("a reference leads back to itself.");
    const asked = schemas.toSchema(schema);
    this.#budget.spendSteps(2 * Object.keys(asked).length + schemas.toList(asked.allOf).length);
    const { $ref, allOf, anyOf, oneOf, ...own } = asked;
    let flat: FlatSchema = { core: own, choices: [anyOf, oneOf].filter((branches) => Array.isArray(branches)) };
    const parts = [
      ...($ref === undefined ? [] : [schemas.resolveReference(this.#root, $ref, this.#budget)]),
      ...schemas.toList(allOf),
    ];
    for (const part of parts) flat = this.#merge(flat, this.#flatten(part, hops + 1));
    return flat;
  }

  #merge(first: FlatSchema, second: FlatSchema): FlatSchema {
    this.#budget.spendSteps(first.choices.length + second.choices.length);
    return {
      core: schemas.mergeSchemas(first.core, second.core, this.#budget),
      choices: [...first.choices, ...second.choices],
    };
  }

  #choose({ core, choices }: FlatSchema, depth: number): unknown {
    const branches = choices[0];
    if (branches === undefined) return this.#fillCore(core, depth);
    if (this.#nestedChoices >= MAX_NESTED_CHOICES)
      throw new UnfillableSchemaError("it has too many alternatives at once.");
    this.#nestedChoices++;
    try {
      return this.#chooseFrom(branches, { core, choices: choices.slice(1) }, depth);
    } finally {
      this.#nestedChoices--;
    }
  }

  #chooseFrom(branches: readonly unknown[], rest: FlatSchema, depth: number): unknown {
    let fault: UnfillableSchemaError | undefined;
    for (const branch of this.#orderBranches(branches, depth)) {
      try {
        return this.#choose(this.#merge(rest, this.#flatten(branch, 0)), depth);
      } catch (error) {
        // With nothing left to spend, the other branches could only fail too, one by one.
        if (!(error instanceof UnfillableSchemaError) || this.#isSpent()) throw error;
        fault = error;
      }
    }
    throw fault ?? new UnfillableSchemaError("none of its alternatives can be filled.");
  }

  #orderBranches(branches: readonly unknown[], depth: number): unknown[] {
    // Copied and sorted.
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

  /** Null says little: it is chosen where nothing else may be, and where the value must come to an end. */
  #pickType(core: Schema, depth: number): JsonType {
    const types = schemas.listTypes(core, this.#budget);
    if (types.length === 0) throw new UnfillableSchemaError("its 'type' allows nothing.");
    const telling = types.filter((type) => type !== "null");
    if (!this.#fillsRequiredOnly(depth)) return telling.length === 0 ? "null" : this.#random.pick(telling);
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
    // Each name is looked at several times.
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
    const wanted = Math.min(maximum, Math.max(minimum, isMap && !this.#fillsRequiredOnly(depth) ? names.size + 2 : 0));
    for (let number = 1; names.size < wanted; number++) {
      this.#countPart();
      if (!schemas.allowsMoreProperties(core))
        throw new UnfillableSchemaError("'minProperties' asks for more than its properties.");
      names.add(`entry_${number}`);
    }
    if (names.size > maximum) throw new UnfillableSchemaError("it requires more properties than 'maxProperties'.");
    // In the schema's own order, as a model that follows it would write them.
    const ordered = new Set([...Object.keys(properties).filter((name) => names.has(name)), ...names]);
    return Object.fromEntries([...ordered].map((name) => [name, this.#fillProperty(core, properties, name, depth)]));
  }

  #fillProperty(core: Schema, properties: Schema, name: string, depth: number): unknown {
    this.#budget.spendCharacters(name.length);
    if (Object.hasOwn(properties, name)) return this.fill(properties[name], depth + 1);
    if (!schemas.allowsMoreProperties(core))
      throw new UnfillableSchemaError(`${schemas.quote(name)} is required, and not among its properties.`);
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
    if (minimum > maximum) throw new UnfillableSchemaError("'minItems' is more than there can be.");
    if (this.#fillsRequiredOnly(depth)) return minimum;
    const possible = first.findIndex((schema) => this.#heights.heightOf(schema) === Infinity);
    if (possible !== -1) return Math.max(minimum, Math.min(possible, maximum));
    const canGoOn = rest !== true && this.#heights.heightOf(rest) !== Infinity;
    const wanted = first.length + (canGoOn ? 1 + this.#random.below(3) : 0);
    return Math.min(maximum, Math.max(minimum, wanted));
  }

  /** Undefined if all that was tried is in `seen`. */
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
    return depth >= GENEROUS_DEPTH || this.#parts > GENEROUS_PARTS;
  }

  #countPart(): void {
    this.#parts++;
    this.#budget.spendSteps(1);
    if (this.#isSpent()) throw new UnfillableSchemaError("filling it takes too long.");
  }

  #isSpent(): boolean {
    return this.#parts > MAX_PARTS || this.#budget.isExhausted;
  }

  #countValue<T>(value: T): T {
    if (typeof value === "object") this.#budget.spendOnValue(value);
    this.#budget.spendCharacters(typeof value === "object" ? JSON.stringify(value).length : String(value).length);
    return value;
  }
}
