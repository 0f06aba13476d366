/** Flattens a schema: merges its references and `allOf` into one schema, and keeps its alternatives to choose from. */
import type { FillBudget } from "./fill-budget.ts";
import { mergeSchemas } from "./merge-schemas.ts";
import { resolveReference, type Schema, toList, toSchema } from "./schema.ts";
import { UnfillableSchemaError } from "./unfillable-schema-error.ts";

const MAX_HOPS = 100;
/** Maximum schemas to flatten, however cheap each is. */
const MAX_PARTS = 20_000;

export interface FlatSchema {
  /** The schema that must hold. */
  core: Schema;
  /** Lists of alternatives, one of each of which must hold too. */
  choices: readonly (readonly unknown[])[];
}

export class SchemaFlattener {
  readonly #root: unknown;
  readonly #budget: FillBudget;
  #parts = 0;

  constructor(root: unknown, budget: FillBudget) {
    this.#root = root;
    this.#budget = budget;
  }

  /** Number of flattened schemas, references and alternatives included. */
  get parts(): number {
    return this.#parts;
  }

  get isExhausted(): boolean {
    return this.#parts > MAX_PARTS || this.#budget.isExhausted;
  }

  flatten(schema: unknown, hops = 0): FlatSchema {
    this.countPart();
    if (hops > MAX_HOPS) throw new UnfillableSchemaError("a reference refers to itself.");
    const asked = toSchema(schema);
    this.#budget.spendSteps(2 * Object.keys(asked).length + toList(asked.allOf).length);
    const { $ref, allOf, anyOf, oneOf, ...core } = asked;
    let flat: FlatSchema = { core, choices: [anyOf, oneOf].filter((branches) => Array.isArray(branches)) };
    const parts = [...($ref === undefined ? [] : [resolveReference(this.#root, $ref, this.#budget)]), ...toList(allOf)];
    for (const part of parts) flat = this.merge(flat, this.flatten(part, hops + 1));
    return flat;
  }

  merge(first: FlatSchema, second: FlatSchema): FlatSchema {
    this.#budget.spendSteps(first.choices.length + second.choices.length);
    return {
      core: mergeSchemas(first.core, second.core, this.#budget),
      choices: [...first.choices, ...second.choices],
    };
  }

  countPart(): void {
    this.#parts++;
    this.#budget.spendSteps(1);
    if (this.isExhausted) throw new UnfillableSchemaError("filling it takes too long.");
  }
}
