/**
 * Bounds the cost of checking the lists and maps of a request. zod collects every issue of a list although the server
 * reports only the first, and checks a list synchronously, however long it is. `boundLists` gives each array and record of
 * a schema a parser that stops at an issue, and that can pause in the middle and resume. It covers the whole schema, so
 * lists added to the protocol later are bounded, too. Without a `check` in its context, a schema parses as zod made it.
 */
import type { z } from "zod";

type Schema = z.core.$ZodType;
type Parse = (
  this: void,
  payload: Payload,
  context: z.core.ParseContextInternal,
) => ReturnType<Schema["_zod"]["parse"]>;
type Payload = z.core.ParsePayload;
type Issues = Payload["issues"];

/** Keys of a map that zod checks at once. Most maps are shorter. */
const UNBOUNDED_KEYS = 64;
/** Shorter lists do not pause: checking one again costs less than storing its progress. */
const MIN_RESUMABLE_LENGTH = 8;

/** The progress within one list. */
interface ListProgress<Output> {
  next: number;
  readonly output: Output;
  readonly issues: Issues;
}

function createProgress<Output>(output: Output): ListProgress<Output> {
  return { next: 0, output, issues: [] };
}

/** Thrown when a time slice is over. Parsing the same body again resumes there. */
export class SliceOverError extends Error {}

/** One check of one body. */
export class BodyCheck {
  #issuesLeft: number;
  readonly #sliceMs: number;
  #startedMs: number | undefined;
  readonly #progress = new Map<Schema, Map<object, ListProgress<never>>>();

  /** `maxIssues`: the check stops after as many. `sliceMs`: time until a `SliceOverError`. */
  constructor({ maxIssues, sliceMs = Infinity }: { maxIssues: number; sliceMs?: number }) {
    this.#issuesLeft = maxIssues;
    this.#sliceMs = sliceMs;
  }

  beginSlice(): void {
    this.#startedMs = undefined;
  }

  /** Whether to look for more issues. */
  countIssue(): boolean {
    this.#issuesLeft -= 1;
    return this.#issuesLeft > 0;
  }

  /** The progress within the list `input`. It is stored only if the check can pause. */
  progressOf<Output>(schema: Schema, input: object, begin: () => Output): ListProgress<Output> {
    if (this.#sliceMs === Infinity) return createProgress(begin());
    let byInput = this.#progress.get(schema);
    if (byInput === undefined) this.#progress.set(schema, (byInput = new Map()));
    let progress = byInput.get(input) as ListProgress<Output> | undefined;
    if (progress === undefined) {
      progress = createProgress(begin());
      byInput.set(input, progress as ListProgress<never>);
    }
    return progress;
  }

  /**
   * Called after each new step. A slice begins with its first new step: the time to return to that step does not count, so
   * every slice makes progress.
   */
  endStep(): void {
    if (this.#sliceMs === Infinity) return;
    const nowMs = performance.now();
    this.#startedMs ??= nowMs;
    if (nowMs - this.#startedMs > this.#sliceMs) throw new SliceOverError();
  }
}

/** The context for `safeParse`, which passes it to every nested schema. */
export interface CheckContext extends z.core.ParseContext<z.core.$ZodIssue> {
  check: BodyCheck;
}

const boundedSchemas = new WeakSet<Schema>();

export function boundLists(root: Schema): void {
  if (boundedSchemas.has(root)) return;
  for (const schema of collectSchemas(root)) {
    if (boundedSchemas.has(schema)) continue;
    boundedSchemas.add(schema);
    if (isArray(schema)) replaceParse(schema, arrayParser(schema));
    else if (isRecord(schema)) replaceParse(schema, recordParser(schema));
  }
}

/** Every nested schema, once. Throws for an unknown type of schema, because it may contain lists. */
export function collectSchemas(root: Schema): Set<Schema> {
  const found = new Set([root]);
  // Iteration includes the schemas that are added meanwhile.
  for (const schema of found) for (const child of childrenOf(schema)) found.add(child);
  return found;
}

const LEAVES = new Set(["any", "boolean", "custom", "enum", "literal", "never", "null", "number", "string", "unknown"]);
const WRAPPERS = new Set(["default", "nonoptional", "nullable", "optional", "prefault", "readonly"]);

function childrenOf(schema: Schema): readonly Schema[] {
  if (isArray(schema)) return [schema._zod.def.element];
  if (isRecord(schema)) return [schema._zod.def.keyType, schema._zod.def.valueType];
  const def = schema._zod.def as z.core.$ZodTypeDef & {
    shape?: Record<string, Schema>;
    catchall?: Schema;
    options?: Schema[];
    innerType?: Schema;
    in?: Schema;
    out?: Schema;
  };
  const { type } = def;
  if (LEAVES.has(type) || type === "transform") return [];
  if (WRAPPERS.has(type)) return [def.innerType!];
  if (type === "object") return [...Object.values(def.shape!), ...(def.catchall === undefined ? [] : [def.catchall])];
  if (type === "union") return def.options!;
  if (type === "pipe") return [def.in!, def.out!];
  throw new Error(`Cannot bound the lists in a schema of type '${type}'.`);
}

export function isArray(schema: Schema): schema is z.core.$ZodArray {
  return schema._zod.def.type === "array";
}

export function isRecord(schema: Schema): schema is z.core.$ZodRecord {
  return schema._zod.def.type === "record";
}

function replaceParse(schema: Schema, parse: Parse): void {
  const { _zod } = schema;
  // Different functions if the schema has further checks.
  if (_zod.run === _zod.parse) _zod.run = parse;
  _zod.parse = parse;
}

const checkOf = (context: z.core.ParseContextInternal): BodyCheck | undefined =>
  (context as z.core.ParseContextInternal & Partial<CheckContext>).check;

/**
 * A schema's original parser, which does not use `this`. zod may wrap it in a function that replaces itself at its first
 * use, and would remove our parser with it. So it is called here first, as often as it may replace itself.
 */
function parserOf(schema: Schema): Parse {
  const _zod = schema._zod as { parse: Parse };
  for (let call = 0; call < 2; call += 1) void _zod.parse({ value: undefined, issues: [] }, {});
  return _zod.parse;
}

function arrayParser(schema: z.core.$ZodArray): Parse {
  const parseWhole = parserOf(schema);
  const { element } = schema._zod.def;
  const { maximum = Infinity } = schema._zod.bag as { maximum?: number };
  return (payload, context) => {
    const check = checkOf(context);
    const input = payload.value;
    // zod rejects a list that is too long without checking its elements.
    if (check === undefined || !Array.isArray(input) || input.length > maximum) return parseWhole(payload, context);
    const isShort = input.length < MIN_RESUMABLE_LENGTH;
    const begin = (): unknown[] => [];
    const progress = isShort ? createProgress(begin()) : check.progressOf(schema, input, begin);
    while (progress.next < input.length) {
      const index = progress.next;
      const { value, issues } = element._zod.run({ value: input[index], issues: [] }, context) as Payload;
      progress.output.push(value);
      progress.next += 1;
      if (issues.length > 0) {
        for (const issue of issues) progress.issues.push({ ...issue, path: [index, ...(issue.path ?? [])] });
        if (!check.countIssue()) progress.next = input.length;
      }
      if (!isShort) check.endStep();
    }
    return finish(payload, progress);
  };
}

function recordParser(schema: z.core.$ZodRecord): Parse {
  const parseWhole = parserOf(schema);
  if (schema._zod.def.keyType._zod.values !== undefined)
    throw new Error("A record with a fixed set of keys must be an object schema.");
  return (payload, context) => {
    const check = checkOf(context);
    const input = payload.value as Record<string, unknown>;
    if (check === undefined || typeof input !== "object" || input === null || Array.isArray(input)) {
      return parseWhole(payload, context);
    }
    const keys = Object.keys(input);
    if (keys.length <= UNBOUNDED_KEYS) return parseWhole(payload, context);
    const progress = check.progressOf(schema, input, () => ({}));
    while (progress.next < keys.length) {
      const names = keys.slice(progress.next, progress.next + UNBOUNDED_KEYS).filter((key) => key !== "__proto__");
      const piece = Object.fromEntries(names.map((key) => [key, input[key]]));
      const { value, issues } = parseWhole({ value: piece, issues: [] }, context) as Payload;
      Object.assign(progress.output, value);
      progress.next += UNBOUNDED_KEYS;
      if (issues.length > 0) {
        for (const issue of issues) progress.issues.push(issue);
        if (!check.countIssue()) progress.next = keys.length;
      }
      check.endStep();
    }
    return finish(payload, progress);
  };
}

/** Copies the issues, because the parent schema extends their paths in place. */
function finish(payload: Payload, { output, issues }: ListProgress<unknown>): Payload {
  payload.value = output;
  for (const issue of issues) payload.issues.push({ ...issue, path: [...(issue.path ?? [])] });
  return payload;
}
