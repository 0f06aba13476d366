/** Fields against a schema, at once or, of a large body, in turns with all other requests. */
import type { z } from "zod";
import { boundLists, BodyCheck, type CheckContext, SliceOverError } from "./bounded-lists.ts";
import { nextSlice } from "../../concurrency/next-slice.ts";

export type CheckedFields<T> = { data: T; issues?: never } | { issues: readonly z.core.$ZodIssue[] };

/** Long enough to be worth a turn, and with what cannot be cut up far below what anybody should wait. */
const SLICE_MS = 30;

export function checkFields<S extends z.ZodType>(
  schema: S,
  fields: unknown,
  faults: number,
): CheckedFields<z.infer<S>> {
  return parse(schema, fields, new BodyCheck({ faults }));
}

export async function checkFieldsInSlices<S extends z.ZodType>(
  schema: S,
  fields: unknown,
  faults: number,
  turnMs = SLICE_MS,
): Promise<CheckedFields<z.infer<S>>> {
  const check = new BodyCheck({ faults, turnMs });
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
