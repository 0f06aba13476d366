/** Checks fields against a schema: at once, or in slices so that other requests are served meanwhile. */
import type { z } from "zod";
import { boundLists, BodyCheck, type CheckContext, SliceOverError } from "./bounded-lists.ts";
import { nextSlice } from "../../concurrency/next-slice.ts";

export type CheckedFields<T> = { data: T; issues?: never } | { issues: readonly z.core.$ZodIssue[] };

/** Long enough to be worth the switch. Short enough that other requests notice no delay, even if a step overruns it. */
const SLICE_MS = 30;

export function checkFields<S extends z.ZodType>(
  schema: S,
  fields: unknown,
  maxIssues: number,
): CheckedFields<z.infer<S>> {
  return parse(schema, fields, new BodyCheck({ maxIssues }));
}

export async function checkFieldsInSlices<S extends z.ZodType>(
  schema: S,
  fields: unknown,
  maxIssues: number,
  sliceMs = SLICE_MS,
): Promise<CheckedFields<z.infer<S>>> {
  const check = new BodyCheck({ maxIssues, sliceMs });
  for (;;) {
    await nextSlice();
    check.beginSlice();
    try {
      return parse(schema, fields, check);
    } catch (error) {
      if (!(error instanceof SliceOverError)) throw error;
    }
  }
}

function parse<S extends z.ZodType>(schema: S, fields: unknown, check: BodyCheck): CheckedFields<z.infer<S>> {
  boundLists(schema);
  const context: CheckContext = { reportInput: true, check };
  const { data, error } = schema.safeParse(fields, context);
  return error === undefined ? { data } : { issues: error.issues };
}
