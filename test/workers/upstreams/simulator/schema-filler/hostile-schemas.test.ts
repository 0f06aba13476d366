/**
 * Schemas that cost far more than their size. These tests measure no time: proxies around the schema count reads, the
 * random source counts its numbers, and a worker thread bounds memory and dies beyond it.
 */
import { Worker } from "node:worker_threads";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MAX_CHARACTERS,
  FillBudget,
  MAX_STEPS,
} from "../../../../../workers/upstreams/simulator/schema-filler/fill-budget.ts";
import { fillSchema } from "../../../../../workers/upstreams/simulator/schema-filler/fill-schema.ts";
import { UnfillableSchemaError } from "../../../../../workers/upstreams/simulator/schema-filler/unfillable-schema-error.ts";
import { SeededRandom } from "../../../../../workers/upstreams/simulator/schema-filler/seeded-random.ts";
import { HOSTILE_SCHEMAS } from "../../../../support/hostile-schemas.ts";

/** A step looks at one schema at most: some of its keywords, not its lists. */
const READS_OF_A_STEP = 30;
/** The parts of a 100 KB document that are read before the budget applies. */
const READS_OF_A_DOCUMENT = 500_000;

class CountingRandom extends SeededRandom {
  numbers = 0;

  override next(): number {
    this.numbers++;
    return super.next();
  }
}

function countReads<T>(value: T): { watched: T; reads: () => number } {
  let reads = 0;
  const known = new WeakMap<object, object>();
  const watch = (part: unknown): unknown => {
    if (typeof part !== "object" || part === null) return part;
    const before = known.get(part);
    if (before !== undefined) return before;
    const proxy = new Proxy(part, {
      get: (target, name) => (reads++, watch(Reflect.get(target, name))),
      has: (target, name) => (reads++, Reflect.has(target, name)),
      ownKeys: (target) => {
        const keys = Reflect.ownKeys(target);
        reads += keys.length;
        return keys;
      },
    });
    known.set(part, proxy);
    return proxy;
  };
  return { watched: watch(value) as T, reads: () => reads };
}

/** The result: a value or a rejection. Anything else is thrown. */
function fillOrReject(schema: unknown, random: SeededRandom, budget: FillBudget): { json: string; rejection: string } {
  try {
    return { json: JSON.stringify(fillSchema(schema, random, budget)), rejection: "" };
  } catch (error) {
    if (!(error instanceof UnfillableSchemaError)) throw error;
    return { json: "", rejection: error.message };
  }
}

function expectBounded(schema: unknown, seed: string): void {
  const { watched, reads } = countReads(schema);
  const random = new CountingRandom(seed);
  const budget = new FillBudget();
  const { json, rejection } = fillOrReject(watched, random, budget);
  expect(rejection.length).toBeLessThan(1_000);
  expect(reads()).toBeLessThan(READS_OF_A_STEP * MAX_STEPS + READS_OF_A_DOCUMENT);
  expect(random.numbers).toBeLessThan(2 * MAX_STEPS);
  // A character may be written as an escape of six, with punctuation between the values.
  expect(json.length).toBeLessThan(8 * MAX_CHARACTERS);
  // One step may request as much as a document's length, and is then rejected.
  expect(budget.spent.steps).toBeLessThan(MAX_STEPS + READS_OF_A_DOCUMENT);
}

describe("every keyword in a 100 KB schema costs bounded steps and characters", () => {
  test.each(Object.entries(HOSTILE_SCHEMAS))("%s", (_name, make) => {
    for (const bytes of [8_000, 100_000]) expectBounded(make(bytes), "x");
  });

  test("several keywords combine in any order", () => {
    const names = Object.keys(HOSTILE_SCHEMAS);
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }),
        fc.constantFrom("allOf", "anyOf", "oneOf", "items", "properties"),
        fc.integer({ min: 100, max: 30_000 }),
        fc.string(),
        (chosen, keyword, bytes, seed) => {
          const parts = chosen.map((name) => HOSTILE_SCHEMAS[name]!(bytes));
          expectBounded(joined(keyword, parts), seed);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("no schema needs more memory than a worker has", async () => {
    const script = `
      import { parentPort } from "node:worker_threads";
      import { HOSTILE_SCHEMAS } from ${JSON.stringify(new URL("../../../../support/hostile-schemas.ts", import.meta.url).href)};
      import { fillSchema } from ${JSON.stringify(new URL("../../../../../workers/upstreams/simulator/schema-filler/fill-schema.ts", import.meta.url).href)};
      import { SeededRandom } from ${JSON.stringify(new URL("../../../../../workers/upstreams/simulator/schema-filler/seeded-random.ts", import.meta.url).href)};
      for (const [name, make] of Object.entries(HOSTILE_SCHEMAS)) {
        parentPort.postMessage(name);
        try { fillSchema(make(600_000), new SeededRandom("x")); } catch (error) {
          if (error.name !== "UnfillableSchemaError") throw error;
        }
      }`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), {
      resourceLimits: { maxOldGenerationSizeMb: 200 },
    });
    const tried: unknown[] = [];
    worker.on("message", (name) => tried.push(name));
    const died = await new Promise((resolve) => {
      worker.once("error", (error) => resolve(error));
      worker.once("exit", () => resolve(undefined));
    });
    expect(died, `at ${String(tried.at(-1))}`).toBeUndefined();
    expect(tried).toEqual(Object.keys(HOSTILE_SCHEMAS));
  });
});

function joined(keyword: string, parts: readonly Record<string, unknown>[]): unknown {
  const $defs = Object.assign({}, ...parts.map((part) => part["$defs"])) as object;
  const schemas = parts.map((part) => ({ ...part, $defs: undefined }));
  switch (keyword) {
    case "items":
      return { $defs, type: "array", items: { anyOf: schemas }, minItems: 3 };
    case "properties":
      return { $defs, properties: Object.fromEntries(schemas.entries()), required: schemas.map((_, i) => `${i}`) };
    default:
      return { $defs, [keyword]: schemas };
  }
}
