/** Fields against a schema, at once or, of a large body, in turns with all other requests. */
import type { z } from "zod";
import { boundLists, Check, type CheckContext, TurnOver } from "./bounded-lists.ts";
import { nextTurn } from "../../concurrency/next-turn.ts";

export type Parsed<T> = { data: T; issues?: never } | { issues: readonly z.core.$ZodIssue[] };

/** Long enough to be worth a turn, and with what cannot be cut up far below what anybody should wait. */
const TURN_MS = 30;

export function checkFields<S extends z.ZodType>(schema: S, fields: unknown, faults: number): Parsed<z.infer<S>> {
  return parse(schema, fields, new Check({ faults }));
}

export async function checkInTurns<S extends z.ZodType>(
  schema: S,
  fields: unknown,
  faults: number,
  turnMs = TURN_MS,
): Promise<Parsed<z.infer<S>>> {
  const check = new Check({ faults, turnMs });
  for (;;) {
    await nextTurn();
    check.beginTurn();
    try {
      return parse(schema, fields, check);
    } catch (error) {
      if (!(error instanceof TurnOver)) throw error;
    }
  }
}

function parse<S extends z.ZodType>(schema: S, fields: unknown, check: Check): Parsed<z.infer<S>> {
  boundLists(schema);
  const context: CheckContext = { reportInput: true, check };
  const { data, error } = schema.safeParse(fields, context);
  return error === undefined ? { data } : { issues: error.issues };
}
