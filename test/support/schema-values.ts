/** Values that a schema accepts, generated from the schema itself: new parameters are sent automatically. */
import fc from "fast-check";
import type { z } from "zod";

type Schema = z.core.$ZodType;
type Values = fc.Arbitrary<unknown>;

/** The common fields of every schema, and some of each kind. */
interface Definition {
  type: string;
  checks?: { _zod: { def: { check: string; maximum?: number; pattern?: RegExp; value?: number } } }[];
  shape?: Record<string, Schema>;
  options?: Schema[];
  innerType?: Schema;
  element?: Schema;
  keyType?: Schema;
  valueType?: Schema;
  out?: Schema;
  values?: unknown[];
  entries?: Record<string, unknown>;
  format?: string;
}

/** Marks an omitted key. */
const ABSENT = Symbol("absent");
const MAX_ELEMENTS = 3;
const known = new WeakMap<Schema, Values>();

export function valuesOf(schema: Schema): Values {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const values = describe(schema._zod.def);
  known.set(schema, values);
  return values;
}

/** An object's values. `replaced` overrides the values of the fields it names. */
export function objectsOf(shape: Record<string, Schema>, replaced: Record<string, Values> = {}): Values {
  const fields = Object.entries(shape).map(([key, schema]) => [key, replaced[key] ?? valuesOf(schema)] as const);
  return fc
    .record(Object.fromEntries(fields))
    .map((object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== ABSENT)));
}

export const orAbsent = (values: Values, weight = 1): Values =>
  fc.oneof({ weight, arbitrary: values }, { weight: 3, arbitrary: fc.constant(ABSENT) });

const anyJson = fc.oneof(fc.constantFrom(null, true, 0, -1.5, "", "text"), fc.constant({ type: "object" }));

function describe(def: Definition): Values {
  switch (def.type) {
    case "string":
      return strings(def);
    case "number":
      return numbers(def);
    case "boolean":
      return fc.boolean();
    case "unknown":
      return anyJson;
    case "never":
      return fc.constant(ABSENT);
    case "literal":
      return fc.constantFrom(...def.values!);
    case "enum":
      return fc.constantFrom(...Object.values(def.entries!));
    case "nullable":
      return fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 4, arbitrary: valuesOf(def.innerType!) });
    case "optional":
    case "default":
      return orAbsent(valuesOf(def.innerType!));
    case "array":
      return fc.array(valuesOf(def.element!), { minLength: 1, maxLength: MAX_ELEMENTS });
    case "record":
      return fc.dictionary(valuesOf(def.keyType!) as fc.Arbitrary<string>, valuesOf(def.valueType!), { maxKeys: 3 });
    case "union":
      return fc.oneof(...def.options!.map(valuesOf));
    case "pipe":
      return valuesOf(def.out!);
    case "object":
      return objectsOf(def.shape!);
    default:
      throw new Error(`No values are known of a ${def.type}.`);
  }
}

const checksOf = (def: Definition) => (def.checks ?? []).map((check) => check._zod.def);

function strings(def: Definition): Values {
  const pattern = checksOf(def).find((check) => check.pattern !== undefined)?.pattern;
  if (pattern !== undefined) return fc.stringMatching(pattern, { size: "xsmall" });
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("", "heron", "https://example.org/a?b=c", "call_1") },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
    { weight: 1, arbitrary: fc.constantFrom("\ud800", "\u0000", "\u2028", "{}", "__proto__", "resp_1", "a:b}{c") },
  );
}

function numbers(def: Definition): Values {
  const checks = checksOf(def);
  const bound = (kind: string): number | undefined => checks.find((check) => check.check === kind)?.value;
  const isInteger = def.format === "safeint" || checks.some((check) => check.check === "number_format");
  const min = bound("greater_than") ?? 0;
  const max = bound("less_than") ?? min + 100_000;
  return isInteger ? fc.integer({ min, max }) : fc.double({ min, max, noNaN: true });
}
