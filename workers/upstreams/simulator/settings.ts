/**
 * How a client tells the simulator what to do: `simulator.*` keys in the request's metadata, whose values are always
 * strings (contract.md#parameters). A key that is misspelt is refused, not ignored: a test must not believe that it asked for
 * a failure when it did not.
 */
import { z } from "zod";
import { responseErrorCodeSchema } from "../../../src/protocol/response.ts";
import { InvalidPromptError } from "../invalid-prompt.ts";

const PREFIX = "simulator.";

const MAX_TOKENS = 1_000_000;
/** A whole text is in memory several times while its last events are written. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;

const wholeNumber = (maximum: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, "must be a whole number that is not negative")
    .transform(Number)
    .pipe(z.number().max(maximum, `must be at most ${maximum}`));

const flag = z.enum(["true", "false"], "must be 'true' or 'false'").transform((value) => value === "true");

/** `step.1`, `step.2` … are kept apart: there may be as many as a request's metadata holds. */
const STEP = /^step\.([1-9]\d?)$/;

/** How a text goes on that one value of the metadata does not hold: `text.2` behind `text`, then `text.3` … */
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
/** Calls to make side by side. */
export type SimulatorStep = z.infer<typeof stepSchema>;

const settingsSchema = z
  .strictObject({
    /** Chooses another answer to the same request. */
    seed: wholeNumber(Number.MAX_SAFE_INTEGER).default(0),
    /** Text deltas in the message. Without it, as many as the sentences need. */
    tokens: wholeNumber(MAX_TOKENS).optional(),
    /** Between two deltas. 0 means no timer at all. */
    delay_ms: wholeNumber(600_000).default(15),
    /**
     * Deltas of reasoning before the answer; 0 means none, whatever `reasoning.effort` says. They are shown as the text that
     * they are, or as a summary if the request asks for one.
     */
    reasoning: wholeNumber(MAX_TOKENS).optional(),
    /** The call fails once it has yielded this many events. */
    fail_after: wholeNumber(Number.MAX_SAFE_INTEGER).optional(),
    /** The code to fail with. Without `fail_after` the call fails before its first event. */
    error: z.enum(responseErrorCodeSchema.options, "must be a published error code, like 'server_error'").optional(),
    /** The message is a refusal. */
    refusal: flag.default(false),
    /** Parallel function calls. */
    calls: wholeNumber(128).default(1),
    /** After a few deltas nothing comes any more, until the call is aborted. */
    hang: flag.default(false),
    /** What to answer, word for word; with its further parts, once the settings are read. */
    text: z.string().optional(),
    /** Each delta of prose holds at least this many bytes. */
    delta_bytes: wholeNumber(64 * 1024).default(0),
  })
  .superRefine((settings, context) => {
    const deltas = Math.max(settings.tokens ?? 0, settings.reasoning ?? 0);
    if (deltas * settings.delta_bytes <= MAX_TEXT_BYTES) return;
    const message = `makes a text of more than ${MAX_TEXT_BYTES} bytes`;
    context.addIssue({ code: "custom", path: ["delta_bytes"], message });
  });
/** `steps` are calls to make one after the other, each when those before it are answered, before there is an answer. */
export type SimulatorSettings = z.infer<typeof settingsSchema> & { steps: readonly SimulatorStep[] };

export function readSettings(metadata: Readonly<Record<string, string>>): SimulatorSettings {
  const own = Object.entries(metadata).flatMap(([key, value]) =>
    key.startsWith(PREFIX) ? [[key.slice(PREFIX.length), value] as const] : [],
  );
  const single = own.filter(([key]) => !STEP.test(key) && !TEXT_PART.test(key));
  const parsed = settingsSchema.safeParse(Object.fromEntries(single));
  if (parsed.success) return { ...parsed.data, text: readText(parsed.data.text, own), steps: readSteps(own) };
  const issue = parsed.error.issues[0];
  if (issue?.code === "unrecognized_keys") {
    throw new InvalidPromptError(`The simulator has no setting 'metadata.${PREFIX}${issue.keys[0]}'.`);
  }
  throw new InvalidPromptError(`'metadata.${PREFIX}${issue?.path.join(".")}' ${issue?.message}.`);
}

function readText(first: string | undefined, own: readonly (readonly [string, string])[]): string | undefined {
  const parts = sortNumbered(own, TEXT_PART);
  let last = first === undefined ? 0 : 1;
  for (const { number, key } of parts) {
    const due = last === 0 ? "text" : `text.${last + 1}`;
    if (number !== last + 1)
      throw new InvalidPromptError(`'metadata.${PREFIX}${key}' needs 'metadata.${PREFIX}${due}'.`);
    last = number;
  }
  return first === undefined ? undefined : [first, ...parts.map(({ value }) => value)].join("");
}

function readSteps(own: readonly (readonly [string, string])[]): SimulatorStep[] {
  return sortNumbered(own, STEP).map(({ key, value }) => {
    const parsed = stepSchema.safeParse(value);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new InvalidPromptError(`'metadata.${PREFIX}${key}' ${issue?.message ?? "is not valid"}.`);
  });
}

/** Those whose key matches, in the order of the number that it ends with. */
function sortNumbered(own: readonly (readonly [string, string])[], pattern: RegExp) {
  return own
    .flatMap(([key, value]) => {
      const number = pattern.exec(key)?.[1];
      return number === undefined ? [] : [{ number: Number(number), key, value }];
    })
    .sort((a, b) => a.number - b.number);
}
