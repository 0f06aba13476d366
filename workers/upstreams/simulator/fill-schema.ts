/**
 * `fillSchema` makes a value that a JSON schema accepts: for function arguments and for `text.format`. It is the same
 * value for the same schema and numbers. What it cannot fill it refuses with an UnfillableSchemaError; it never runs a
 * client's regular expression, and it does a bounded amount of work whatever the schema is.
 */
import { fillNumber, fillString } from "./fill-scalar.ts";
import * as schemas from "./schema.ts";
import { type JsonType, type Schema, UnfillableSchemaError } from "./schema.ts";
import { SchemaHeights } from "./schema-height.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Below this depth, or after this many steps, only what the schema insists on is filled in. */
const GENEROUS_DEPTH = 5;
const GENEROUS_STEPS = 500;
const DEPTH_MAXIMUM = 100;
const STEPS_MAXIMUM = 20_000;
/** Characters written, properties merged, values looked at: a step may be a large one. */
const WORK_MAXIMUM = 1_000_000;
/** How often another item is tried where all must differ. */
const UNIQUE_ATTEMPTS = 100;

export function fillSchema(schema: unknown, random: SeededRandom): unknown {
  return new SchemaFiller(schema, random).fill(schema, 0);
}

/** A schema taken apart: what must hold, and the alternatives still to choose from. */
interface Flat {
  core: Schema;
  choices: readonly (readonly unknown[])[];
}

class SchemaFiller {
  readonly #root: unknown;
  readonly #random: SeededRandom;
  readonly #heights: SchemaHeights;
  #steps = 0;
  #work = 0;

  constructor(root: unknown, random: SeededRandom) {
    this.#root = root;
    this.#random = random;
    this.#heights = new SchemaHeights(root);
  }

  fill(schema: unknown, depth: number): unknown {
    if (depth > DEPTH_MAXIMUM) throw new UnfillableSchemaError("it is nested too deeply, or contains itself.");
    return this.#choose(this.#flatten(schema, 0), depth);
  }

  /** References and `allOf` are merged into one schema; alternatives are kept for `#choose`. */
  #flatten(schema: unknown, hops: number): Flat {
    this.#countStep();
    if (hops > DEPTH_MAXIMUM) throw new UnfillableSchemaError("a reference leads back to itself.");
    const { $ref, allOf, anyOf, oneOf, ...own } = schemas.asSchema(schema);
    let flat: Flat = { core: own, choices: [anyOf, oneOf].filter((branches) => Array.isArray(branches)) };
    const parts = [...($ref === undefined ? [] : [this.#resolve($ref)]), ...schemas.listOf(allOf)];
    for (const part of parts) flat = this.#merge(flat, this.#flatten(part, hops + 1));
    return flat;
  }

  #merge(first: Flat, second: Flat): Flat {
    this.#countWork(sizeOf(first.core) + sizeOf(second.core));
    return {
      core: schemas.mergeSchemas(first.core, second.core),
      choices: [...first.choices, ...second.choices],
    };
  }

  #resolve(reference: unknown): unknown {
    const found = typeof reference === "string" ? schemas.findReference(this.#root, reference) : undefined;
    if (found === undefined) throw new UnfillableSchemaError(`the reference '${String(reference)}' leads nowhere.`);
    return found;
  }

  #choose({ core, choices }: Flat, depth: number): unknown {
    const [branches, ...others] = choices;
    if (branches === undefined) return this.#fillCore(core, depth);
    let fault: UnfillableSchemaError | undefined;
    for (const branch of this.#inOrder(branches, depth)) {
      try {
        return this.#choose(this.#merge({ core, choices: others }, this.#flatten(branch, 0)), depth);
      } catch (error) {
        // With nothing left to spend, the other branches could only fail too, one by one.
        if (!(error instanceof UnfillableSchemaError) || this.#isSpent()) throw error;
        fault = error;
      }
    }
    throw fault ?? new UnfillableSchemaError("none of its alternatives can be filled.");
  }

  #inOrder(branches: readonly unknown[], depth: number): unknown[] {
    const heights = new Map(branches.map((branch) => [branch, this.#heights.heightOf(branch)]));
    const height = (branch: unknown) => heights.get(branch) ?? Infinity;
    if (this.#isTerse(depth)) return [...branches].sort((a, b) => height(a) - height(b) || 0);
    const start = this.#random.below(branches.length);
    const finite = [...branches.slice(start), ...branches.slice(0, start)];
    return finite.filter((branch) => height(branch) !== Infinity);
  }

  #fillCore(core: Schema, depth: number): unknown {
    if (core.const === undefined && core.enum === undefined) {
      return this.#fillType(core, this.#pickType(core, depth), depth);
    }
    const values = schemas.listedValues(core);
    this.#countWork(schemas.listOf(core.enum).length);
    if (values.length === 0) throw new UnfillableSchemaError("no value in its 'enum' or 'const' is allowed.");
    return this.#counted(values[this.#random.below(values.length)]);
  }

  /** Null says little: it is chosen where nothing else may be, and where the value must come to an end. */
  #pickType(core: Schema, depth: number): JsonType {
    const types = schemas.typesOf(core);
    if (types.length === 0) throw new UnfillableSchemaError("its 'type' allows nothing.");
    const telling = types.filter((type) => type !== "null");
    if (!this.#isTerse(depth)) return telling.length === 0 ? "null" : this.#random.pick(telling);
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
        return fillNumber(core, type === "integer", this.#random);
      case "string":
        return this.#counted(fillString(core, this.#random));
      case "array":
        return this.#fillArray(core, depth);
      case "object":
        return this.#fillObject(core, depth);
      default:
        throw new UnfillableSchemaError(`'${String(type)}' is not a type.`);
    }
  }

  #fillObject(core: Schema, depth: number): Record<string, unknown> {
    this.#countWork(sizeOf(core));
    const properties = schemas.recordOf(core.properties);
    const required = schemas.listOf(core.required).filter((name) => typeof name === "string");
    const minimum = schemas.numberOf(core.minProperties) ?? 0;
    const maximum = schemas.numberOf(core.maxProperties) ?? Infinity;
    const names = new Set(required);
    for (const [name, schema] of Object.entries(properties)) {
      const isWanted = names.size < minimum || (!this.#isTerse(depth) && this.#random.below(4) > 0);
      if (isWanted && names.size < maximum && this.#heights.heightOf(schema) !== Infinity) names.add(name);
    }
    const isMap = schemas.isRecord(core.additionalProperties) && core.properties === undefined && isOpen(core);
    const wanted = Math.min(maximum, Math.max(minimum, isMap && !this.#isTerse(depth) ? names.size + 2 : 0));
    for (let number = 1; names.size < wanted; number++) {
      this.#countStep();
      if (!isOpen(core)) throw new UnfillableSchemaError("'minProperties' asks for more than its properties.");
      names.add(`entry_${number}`);
    }
    if (names.size > maximum) throw new UnfillableSchemaError("it requires more properties than 'maxProperties'.");
    // In the schema's own order, as a model that follows it would write them.
    const ordered = new Set([...Object.keys(properties).filter((name) => names.has(name)), ...names]);
    return Object.fromEntries([...ordered].map((name) => [name, this.#fillProperty(core, properties, name, depth)]));
  }

  #fillProperty(core: Schema, properties: Schema, name: string, depth: number): unknown {
    this.#countWork(name.length);
    if (Object.hasOwn(properties, name)) return this.fill(properties[name], depth + 1);
    if (!isOpen(core)) throw new UnfillableSchemaError(`'${name}' is required, and not among its properties.`);
    return this.fill(core.additionalProperties ?? true, depth + 1);
  }

  #fillArray(core: Schema, depth: number): unknown[] {
    const isTuple = Array.isArray(core.items);
    const first = schemas.listOf(isTuple ? core.items : core.prefixItems);
    const rest: unknown = (isTuple ? core.additionalItems : core.items) ?? true;
    const length = this.#arrayLength(core, first, rest, depth);
    const items: unknown[] = [];
    const seen = new Set<string>();
    while (items.length < length) {
      const schema = items.length < first.length ? first[items.length] : rest;
      const item = this.#fillItem(schema, core.uniqueItems === true ? seen : undefined, depth);
      if (item !== undefined) items.push(item);
      else if (items.length >= (schemas.numberOf(core.minItems) ?? 0)) break;
      else throw new UnfillableSchemaError("not enough different items were found for 'uniqueItems'.");
    }
    return items;
  }

  #arrayLength(core: Schema, first: readonly unknown[], rest: unknown, depth: number): number {
    const minimum = schemas.numberOf(core.minItems) ?? 0;
    const maximum = Math.min(schemas.numberOf(core.maxItems) ?? Infinity, rest === false ? first.length : Infinity);
    if (minimum > maximum) throw new UnfillableSchemaError("'minItems' is more than there can be.");
    if (this.#isTerse(depth)) return minimum;
    const possible = first.findIndex((schema) => this.#heights.heightOf(schema) === Infinity);
    if (possible !== -1) return Math.max(minimum, Math.min(possible, maximum));
    const canGoOn = rest !== true && this.#heights.heightOf(rest) !== Infinity;
    const wanted = first.length + (canGoOn ? 1 + this.#random.below(3) : 0);
    return Math.min(maximum, Math.max(minimum, wanted));
  }

  /** Undefined if all that was tried is in `seen`. */
  #fillItem(schema: unknown, seen: Set<string> | undefined, depth: number): unknown {
    if (seen === undefined) return this.fill(schema, depth + 1);
    for (let attempt = 0; attempt < UNIQUE_ATTEMPTS; attempt++) {
      const item = this.fill(schema, depth + 1);
      const json = JSON.stringify(item);
      if (seen.has(json)) continue;
      seen.add(json);
      return item;
    }
    return undefined;
  }

  #isTerse(depth: number): boolean {
    return depth >= GENEROUS_DEPTH || this.#steps > GENEROUS_STEPS;
  }

  #countStep(): void {
    this.#steps++;
    if (this.#isSpent()) throw new UnfillableSchemaError("filling it takes too long.");
  }

  #isSpent(): boolean {
    return this.#steps > STEPS_MAXIMUM || this.#work > WORK_MAXIMUM;
  }

  #countWork(work: number): void {
    this.#work += work;
    if (this.#isSpent()) throw new UnfillableSchemaError("filling it takes too long.");
  }

  #counted<T>(value: T): T {
    this.#countWork(typeof value === "object" ? JSON.stringify(value).length : String(value).length);
    return value;
  }
}

/** What it costs to go through this schema once. */
function sizeOf(core: Schema): number {
  return Object.keys(schemas.recordOf(core.properties)).length + schemas.listOf(core.enum).length;
}

/** Whether a property may be added that the schema does not name. Names of a certain kind are not made up here. */
function isOpen(core: Schema): boolean {
  return (
    core.additionalProperties !== false && core.patternProperties === undefined && core.propertyNames === undefined
  );
}
