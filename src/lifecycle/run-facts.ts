/**
 * What a run knows of itself: fields of the record beside those that decide anything. The scripts that run anyway write
 * them (an append, a release, the end), so a fact costs no round trip. They inform people; no script depends on one.
 */
import { z } from "zod";
import { runStepSchema } from "../protocol/run.ts";
import { type Usage, usageSchema } from "../protocol/response.ts";

const jsonOf = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text) => schema.safeParse(parseJson(text)).data)
    .optional();

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const toolCallCountsSchema = z.record(z.string(), z.object({ completed: z.int(), failed: z.int() }));
export type ToolCallCounts = z.infer<typeof toolCallCountsSchema>;

/** The fields in the record's hash. Each is absent until it is known, and in records of an older release. */
export const runFactsSchema = z.object({
  /** The model that the request named. */
  model: z.string().default(""),
  /** The provider and its model of the last call. */
  servedModel: z.string().optional(),
  startedAtMs: z.coerce.number().optional(),
  /** The model's first event. */
  firstEventAtMs: z.coerce.number().optional(),
  endedAtMs: z.coerce.number().optional(),
  /** The time of the last events, at most 100 ms too early. */
  stampedAtMs: z.coerce.number().optional(),
  step: jsonOf(runStepSchema),
  attemptLog: z.string().default(""),
  turns: z.coerce.number().int().default(0),
  /** The output index at which each turn begins, up to a maximum number of turns. */
  turnStarts: jsonOf(z.array(z.int())),
  toolCalls: jsonOf(toolCallCountsSchema),
  /** The usage of all model calls, including those whose output was discarded. */
  usage: jsonOf(usageSchema),
  /** In US dollars; absent without a price. */
  costUsd: z.coerce.number().optional(),
  errorCode: z.string().optional(),
  errorMessage: z.string().optional(),
  /** The cause that no client is shown: the provider's status, the tool's or the server's error. */
  errorCause: z.string().optional(),
});
export type RunFacts = z.infer<typeof runFactsSchema>;

/** Facts that an append writes. */
export interface RunNotes {
  servedModel?: string;
  firstEventAtMs?: number;
  step?: z.infer<typeof runStepSchema>;
  turns?: number;
  turnStarts?: readonly number[];
  toolCalls?: ToolCallCounts;
  usage?: Usage;
  costUsd?: number;
  errorCode?: string;
  errorMessage?: string;
  errorCause?: string;
}

/** As fields of the hash: name, value, … */
export function encodeRunNotes(notes: RunNotes): (string | number)[] {
  return Object.entries(notes).flatMap(([name, value]) =>
    value === undefined ? [] : [name, typeof value === "object" ? JSON.stringify(value) : (value as string | number)],
  );
}
