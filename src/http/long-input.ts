/**
 * zod looks for every fault of a list, and only the first is answered: a million wrong items would hold the process up for
 * nothing. A long `input` is therefore checked by the piece, up to the first that is wrong.
 */
import { z } from "zod";
import { createRequestSchema } from "../protocol/create-request.ts";
import { type InputItem, inputItemSchema } from "../protocol/item.ts";
import type { Parsed } from "./unknown-parameters.ts";

const PIECE = 500;
const pieceSchema = z.array(inputItemSchema);

type SentRequest = z.infer<typeof createRequestSchema>;

/** The request, or what `createRequestSchema` has against it, of a long input with the faults of one piece at most. */
export function parseParameters(fields: Readonly<Record<string, unknown>>): Parsed<SentRequest> {
  const { input } = fields;
  if (!Array.isArray(input) || input.length <= PIECE) return parse(fields);
  const rest = parse({ ...fields, input: undefined });
  // The only parameter whose faults come before the input's (contract 03 §3.2).
  if (rest.issues?.[0]?.path[0] === "model") return rest;
  const items = parseItems(input);
  if (items.issues !== undefined) return items;
  return rest.issues === undefined ? { data: { ...rest.data, input: items.data } } : rest;
}

function parse(fields: Readonly<Record<string, unknown>>): Parsed<SentRequest> {
  const { data, error } = createRequestSchema.safeParse(fields, { reportInput: true });
  return error === undefined ? { data } : { issues: error.issues };
}

function parseItems(input: readonly unknown[]): Parsed<InputItem[]> {
  const data: InputItem[] = [];
  for (let from = 0; from < input.length; from += PIECE) {
    const parsed = pieceSchema.safeParse(input.slice(from, from + PIECE), { reportInput: true });
    if (!parsed.success) return { issues: parsed.error.issues.map((issue) => inInput(issue, from)) };
    for (const item of parsed.data) data.push(item);
  }
  return { data };
}

function inInput(issue: z.core.$ZodIssue, from: number): z.core.$ZodIssue {
  const [place, ...path] = issue.path;
  return { ...issue, path: ["input", from + Number(place), ...path] };
}
