/**
 * Settings of the simulator: `simulator.*` keys in the request's metadata, whose values are always strings
 * (contract.md#parameters). An unknown key is an error, so that a test cannot believe that it requested a failure when it
 * did not.
 */
import { z } from "zod";
import { responseErrorCodeSchema } from "../../../src/protocol/response.ts";
import { InvalidPromptError } from "../invalid-prompt.ts";

const PREFIX = "simulator.";

const MAX_TOKENS = 1_000_000;
/** A text is in memory several times while its last events are written. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;

const wholeNumber = (maximum: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, "must be a whole number from 0")
    .transform(Number)
    .pipe(z.number().max(maximum, `must be at most ${maximum}`));

const flag = z.enum(["true", "false"], "must be 'true' or 'false'").transform((value) => value === "true");

/** `step.1`, `step.2` … are parsed separately: there may be as many as a request's metadata holds. */
const STEP = /^step\.([1-9]\d?)$/;

/** `text.2`, `text.3` … continue a `text` that is too long for one metadata value. */
const TEXT_PART = /^text\.([2-9]|[1-9]\d)$/;

const stepSchema = z
  .string()
  .transform((json, context) => {
    try {
      return JSON.parse(json) as unknown;
    } catch {
      context.addIssue({ code: "custom", message: "must be JSON" });
      return z.NEVER;
    }
  })
  .pipe(
    z.preprocess(
      (value) => (Array.isArray(value) ? value : [value]),
      z
        .array(
          z.strictObject({
            call: z.string(),
            namespace: z.string().optional(),
            arguments: z.record(z.string(), z.unknown()).default({}),
          }),
        )
        .min(1),
    ),
  );
/** Parallel calls. */
export type SimulatorStep = z.infer<typeof stepSchema>;

const settingsSchema = z
  .strictObject({
    /** Selects another answer to the same request. */
    seed: wholeNumber(Number.MAX_SAFE_INTEGER).default(0),
    /** Text deltas in the message. By default as many as its sentences need. */
    tokens: wholeNumber(MAX_TOKENS).optional(),
    /** Delay before each delta. 0 means no timer. */
    delay_ms: wholeNumber(600_000).default(15),
    /**
     * Reasoning deltas before the answer; 0 means none, regardless of `reasoning.effort`. They are shown as reasoning text,
     * or as a summary if the request asks for one.
     */
    reasoning: wholeNumber(MAX_TOKENS).optional(),
    /** The call fails after this many events. */
    fail_after: wholeNumber(Number.MAX_SAFE_INTEGER).optional(),
    /** The error code to fail with. Without `fail_after` the call fails before its first event. */
    error: z.enum(responseErrorCodeSchema.options, "must be a published error code, like 'server_error'").optional(),
    /** The message is a refusal. */
    refusal: flag.default(false),
    /** Number of parallel function calls. */
    calls: wholeNumber(128).default(1),
    /** The call sends a few deltas, then nothing until it is aborted. */
    hang: flag.default(false),
    /** The exact answer. Its further parts are appended when the settings are read. */
    text: z.string().optional(),
    /** Minimum bytes in each delta of prose. */
    delta_bytes: wholeNumber(64 * 1024).default(0),
  })
  .superRefine((settings, context) => {
    const deltas = Math.max(settings.tokens ?? 0, settings.reasoning ?? 0);
    if (deltas * settings.delta_bytes <= MAX_TEXT_BYTES) return;
    const message = `makes a text of more than ${MAX_TEXT_BYTES} bytes`;
    context.addIssue({ code: "custom", path: ["delta_bytes"], message });
  });
/** `steps`: calls to make one after the other, each when the previous ones are answered, before the answer. */
export type SimulatorSettings = z.infer<typeof settingsSchema> & { steps: readonly SimulatorStep[] };

export function readSettings(metadata: Readonly<Record<string, string>>): SimulatorSettings {
  const entries = Object.entries(metadata).flatMap(([key, value]) =>
    key.startsWith(PREFIX) ? [[key.slice(PREFIX.length), value] as const] : [],
  );
  const single = entries.filter(([key]) => !STEP.test(key) && !TEXT_PART.test(key));
  const parsed = settingsSchema.safeParse(Object.fromEntries(single));
  if (parsed.success) return { ...parsed.data, text: readText(parsed.data.text, entries), steps: readSteps(entries) };
  const issue = parsed.error.issues[0];
  if (issue?.code === "unrecognized_keys") {
    throw new InvalidPromptError(`The simulator has no setting 'metadata.${PREFIX}${issue.keys[0]}'.`);
  }
  throw new InvalidPromptError(`'metadata.${PREFIX}${issue?.path.join(".")}' ${issue?.message}.`);
}

function readText(first: string | undefined, entries: readonly (readonly [string, string])[]): string | undefined {
  const parts = sortNumbered(entries, TEXT_PART);
  let last = first === undefined ? 0 : 1;
  for (const { number, key } of parts) {
    const missing = last === 0 ? "text" : `text.${last + 1}`;
    if (number !== last + 1)
      throw new InvalidPromptError(`'metadata.${PREFIX}${key}' needs 'metadata.${PREFIX}${missing}'.`);
    last = number;
  }
  return first === undefined ? undefined : [first, ...parts.map(({ value }) => value)].join("");
}

function readSteps(entries: readonly (readonly [string, string])[]): SimulatorStep[] {
  return sortNumbered(entries, STEP).map(({ key, value }) => {
    const parsed = stepSchema.safeParse(value);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new InvalidPromptError(`'metadata.${PREFIX}${key}' ${issue?.message ?? "is not valid"}.`);
  });
}

/** The entries whose key matches, sorted by the number at the key's end. */
function sortNumbered(entries: readonly (readonly [string, string])[], pattern: RegExp) {
  return entries
    .flatMap(([key, value]) => {
      const number = pattern.exec(key)?.[1];
      return number === undefined ? [] : [{ number: Number(number), key, value }];
    })
    .sort((a, b) => a.number - b.number);
}
