/**
 * Valid bodies except for one list or map, anywhere in them, which has very many members: all valid, or some invalid.
 */
import fc from "fast-check";
import type { z } from "zod";
import { createWide, findWideLocations, type WideLocation } from "./wide-bodies.ts";

/** The size of the content, chosen so that a batch of bodies fits into memory. */
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_ELEMENTS = 200_000;
const MAX_KEYS = 20_000;
const LEAST = 1_000;

type Wrong = "none" | "all" | "last" | "every thousandth";

const known = new WeakMap<z.core.$ZodType, WideLocation[]>();

function placesOf(schema: z.core.$ZodType): WideLocation[] {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const paths = findWideLocations(schema);
  known.set(schema, paths);
  return paths;
}

export function wideBodies(schema: z.core.$ZodType): fc.Arbitrary<unknown> {
  return fc
    .record({
      at: fc.nat(),
      length: fc.integer({ min: LEAST, max: MAX_ELEMENTS }),
      wrong: fc.constantFrom<Wrong[]>("none", "none", "all", "last", "every thousandth"),
    })
    .map(({ at, length, wrong }) => {
      const paths = placesOf(schema);
      const path = paths[at % paths.length]!;
      return path.bodyWith(membersOf(path, length, wrong));
    });
}

function membersOf({ kind, good, bad }: WideLocation, length: number, wrong: Wrong): object {
  const bytes = JSON.stringify(good).length + 1;
  const count = Math.min(length, Math.ceil(MAX_BYTES / bytes), kind === "array" ? MAX_ELEMENTS : MAX_KEYS);
  const members = createWide(kind, good, count) as Record<string, unknown>;
  if (bad === undefined || wrong === "none") return members;
  for (const [path, key] of Object.keys(members).entries()) {
    const isWrong = wrong === "all" || (wrong === "last" ? path === count - 1 : path % 1_000 === 999);
    if (isWrong) members[key] = bad.value;
  }
  return members;
}
