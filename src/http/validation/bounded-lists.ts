/**
 * Lists and maps of a request, checked at a cost that a client cannot choose. zod looks for every fault of a list, and only
 * the first is answered; and it checks a list in one go, however long it is. Here each array and record beneath a schema
 * gets a parser that stops at a fault, and that can be left in the middle and resumed. All of a tree is done, so no list
 * that is added to the protocol has to be thought of. Without a `check` in its context a schema is as zod made it.
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

/** Keys of a map that zod gets at once: most maps are shorter. */
const UNBOUNDED_KEYS = 64;
/** A list that is shorter is never left in the middle: it is sooner checked once more than remembered. */
const MIN_RESUMABLE_LENGTH = 8;

/** What is done of one list. */
interface ListProgress<Output> {
  next: number;
  readonly output: Output;
  readonly issues: Issues;
}

function createProgress<Output>(output: Output): ListProgress<Output> {
  return { next: 0, output, issues: [] };
}

/** Thrown out of a schema when its turn is over. Parsed once more, it resumes where it was. */
export class SliceOverError extends Error {}

/** One check of one body. */
export class BodyCheck {
  #issuesLeft: number;
  readonly #sliceMs: number;
  #startedMs: number | undefined;
  readonly #progress = new Map<Schema, Map<object, ListProgress<never>>>();

  /** `faults`: as many are looked for. `turnMs`: after so long a `SliceOverError` is thrown. */
  constructor({ faults, turnMs: sliceMs = Infinity }: { faults: number; turnMs?: number }) {
    this.#issuesLeft = faults;
    this.#sliceMs = sliceMs;
  }

  beginSlice(): void {
    this.#startedMs = undefined;
  }

  /** Whether to look for another. */
  countIssue(): boolean {
    this.#issuesLeft -= 1;
    return this.#issuesLeft > 0;
  }

  /** Of the list `input`, beneath `schema`. Only what may be left in the middle is remembered. */
  progressOf<Output>(schema: Schema, input: object, begin: () => Output): ListProgress<Output> {
    if (this.#sliceMs === Infinity) return createProgress(begin());
    let known = this.#progress.get(schema);
    if (known === undefined) this.#progress.set(schema, (known = new Map()));
    let progress = known.get(input) as ListProgress<Output> | undefined;
    if (progress === undefined) {
      progress = createProgress(begin());
      known.set(input, progress as ListProgress<never>);
    }
    return progress;
  }

  /**
   * Called after each step that is new. The turn begins with the first of them, not with the way back to it, so that every
   * turn gets on however long that way is.
   */
  endStep(): void {
    if (this.#sliceMs === Infinity) return;
    const nowMs = performance.now();
    this.#startedMs ??= nowMs;
    if (nowMs - this.#startedMs > this.#sliceMs) throw new SliceOverError();
  }
}

/** What `safeParse` is given. It hands its context on to every schema beneath. */
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

/** Every schema of a tree, once. Throws for a kind that may hold others in a way that is not known here. */
export function collectSchemas(root: Schema): Set<Schema> {
  const found = new Set([root]);
  // A set may grow while it is walked through.
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
  throw new Error(`The lists beneath a schema of the type '${type}' are not bounded.`);
}

export function isArray(schema: Schema): schema is z.core.$ZodArray {
  return schema._zod.def.type === "array";
}

export function isRecord(schema: Schema): schema is z.core.$ZodRecord {
  return schema._zod.def.type === "record";
}

function replaceParse(schema: Schema, parse: Parse): void {
  const { _zod } = schema;
  // The same function, unless the schema has checks that come after.
  if (_zod.run === _zod.parse) _zod.run = parse;
  _zod.parse = parse;
}

const checkOf = (context: z.core.ParseContextInternal): BodyCheck | undefined =>
  (context as z.core.ParseContextInternal & Partial<CheckContext>).check;

/**
 * A schema's own parser, which uses no `this`. zod puts one around it that takes itself out again when it is first used and
 * there is nothing for it to do, and ours with it: so it is used here, as often as it may want.
 */
function parserOf(schema: Schema): Parse {
  const _zod = schema._zod as { parse: Parse };
  for (let time = 0; time < 2; time += 1) void _zod.parse({ value: undefined, issues: [] }, {});
  return _zod.parse;
}

function arrayParser(schema: z.core.$ZodArray): Parse {
  const parseWhole = parserOf(schema);
  const { element } = schema._zod.def;
  const { maximum = Infinity } = schema._zod.bag as { maximum?: number };
  return (payload, context) => {
    const check = checkOf(context);
    const input = payload.value;
    // One that is too long is refused before its elements are looked at.
    if (check === undefined || !Array.isArray(input) || input.length > maximum) return parseWhole(payload, context);
    const isShort = input.length < MIN_RESUMABLE_LENGTH;
    const begin = (): unknown[] => [];
    const progress = isShort ? createProgress(begin()) : check.progressOf(schema, input, begin);
    while (progress.next < input.length) {
      const place = progress.next;
      const { value, issues } = element._zod.run({ value: input[place], issues: [] }, context) as Payload;
      progress.output.push(value);
      progress.next += 1;
      if (issues.length > 0) {
        for (const issue of issues) progress.issues.push({ ...issue, path: [place, ...(issue.path ?? [])] });
        if (!check.countIssue()) progress.next = input.length;
      }
      if (!isShort) check.endStep();
    }
    return finish(payload, progress);
  };
}

function recordParser(schema: z.core.$ZodRecord): Parse {
  const parseWhole = parserOf(schema);
  if (schema._zod.def.keyType._zod.values !== undefined) throw new Error("A map with keys of its own is an object.");
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

/** Issues are copied: whoever gets them puts more in front of their paths. */
function finish(payload: Payload, { output, issues }: ListProgress<unknown>): Payload {
  payload.value = output;
  for (const issue of issues) payload.issues.push({ ...issue, path: [...(issue.path ?? [])] });
  return payload;
}
