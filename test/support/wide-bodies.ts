/** Every list and every map of a schema, each in a body that is valid except for its content. */
import fc from "fast-check";
import type { z } from "zod";
import { valuesOf } from "./schema-values.ts";

type Schema = z.core.$ZodType;
type Wrap = (value: unknown) => unknown;

export interface WideLocation {
  /** As in `param`, with `[]` for an element and `{}` for a member. */
  name: string;
  kind: "array" | "record";
  /** The body with this list or map. */
  bodyWith: Wrap;
  /** One valid and one invalid element. There is no invalid one where any value is allowed. */
  good: unknown;
  bad: { value: unknown } | undefined;
}

interface Definition {
  type: string;
  shape?: Record<string, Schema>;
  options?: Schema[];
  innerType?: Schema;
  element?: Schema;
  valueType?: Schema;
  out?: Schema;
}

const SEED = 7;
const CANDIDATES: unknown[] = [7.5, "no such value", {}, [], null];

export function findWideLocations(schema: Schema, bodyWith: Wrap = (value) => value, name = ""): WideLocation[] {
  const def = schema._zod.def as unknown as Definition;
  switch (def.type) {
    case "array":
      return [
        placeOf("array", def.element!, bodyWith, name),
        ...findWideLocations(def.element!, (value) => bodyWith([value]), `${name}[]`),
      ];
    case "record":
      return [
        placeOf("record", def.valueType!, bodyWith, name),
        ...findWideLocations(def.valueType!, (value) => bodyWith({ key: value }), `${name}{}`),
      ];
    case "object": {
      const smallest = smallestOf(schema) as object;
      const kind = "type" in smallest ? `<${String(smallest.type)}>` : "";
      return Object.entries(def.shape!).flatMap(([key, field]) =>
        findWideLocations(field, (value) => bodyWith({ ...smallest, [key]: value }), `${name}${kind}.${key}`),
      );
    }
    case "union":
      return def.options!.flatMap((option) => findWideLocations(option, bodyWith, name));
    case "pipe":
      return findWideLocations(def.out!, bodyWith, name);
    default:
      return def.innerType === undefined ? [] : findWideLocations(def.innerType, bodyWith, name);
  }
}

function placeOf(kind: WideLocation["kind"], element: Schema, bodyWith: Wrap, name: string): WideLocation {
  const bad = CANDIDATES.filter((value) => isRejected(element, value)).map((value) => ({ value }));
  return { name, kind, bodyWith, good: smallestOf(element), bad: bad[0] };
}

function isRejected(schema: Schema, value: unknown): boolean {
  return (schema as z.ZodType).safeParse(value).error !== undefined;
}

/** With as few fields as possible. */
function smallestOf(schema: Schema): unknown {
  const def = schema._zod.def as unknown as Definition;
  if (def.type === "object") {
    const fields = Object.entries(def.shape!).filter(([, field]) => field._zod.optin === undefined);
    return Object.fromEntries(fields.map(([key, field]) => [key, smallestOf(field)]));
  }
  if (def.type === "union") return smallestOf(def.options![0]!);
  if (def.type === "pipe") return smallestOf(def.out!);
  if (def.type === "array") return [];
  if (def.type === "record") return {};
  return fc.sample(valuesOf(schema), { seed: SEED, numRuns: 1 })[0];
}

export function createWide(kind: WideLocation["kind"], element: unknown, count: number): object {
  if (kind === "array") return Array.from({ length: count }, () => element);
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`key_${i}`, element]));
}
