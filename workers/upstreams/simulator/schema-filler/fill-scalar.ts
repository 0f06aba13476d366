/** Fills strings and numbers. */
import type { FillBudget } from "./fill-budget.ts";
import { fillPattern } from "./fill-pattern.ts";
import { toNumber, quote, type Schema } from "./schema.ts";
import { UnfillableSchemaError } from "./unfillable-schema-error.ts";
import type { SeededRandom } from "./seeded-random.ts";

const WORDS = ["lease", "cursor", "event", "stream", "log", "worker", "attempt", "response", "queue", "item"];
/** A longer required length is rejected. */
const MAX_LENGTH = 100_000;

export function fillString(schema: Schema, random: SeededRandom, budget: FillBudget): string {
  const minimum = toNumber(schema.minLength) ?? 0;
  const maximum = toNumber(schema.maxLength) ?? Infinity;
  if (minimum > maximum) throw new UnfillableSchemaError("'minLength' is more than 'maxLength'.");
  if (minimum > MAX_LENGTH) throw new UnfillableSchemaError(`'minLength' is more than ${MAX_LENGTH}.`);
  // Each step writes at least one character.
  budget.spendSteps(minimum);
  if (typeof schema.pattern === "string") return fillPattern(schema.pattern, { minimum, maximum }, random, budget);
  const formatted = typeof schema.format === "string" ? FORMATS.get(schema.format)?.(random) : undefined;
  if (formatted === undefined) return fillWords(minimum, maximum, random);
  if (formatted.length >= minimum && formatted.length <= maximum) return formatted;
  throw new UnfillableSchemaError(`a string of the format ${quote(schema.format)} does not have that length.`);
}

function fillWords(minimum: number, maximum: number, random: SeededRandom): string {
  let text = `${random.pick(WORDS)} ${random.pick(WORDS)}`;
  while (text.length < minimum) text += ` ${random.pick(WORDS)}`;
  return text.slice(0, maximum);
}

/** Other formats are only annotations (JSON Schema 2020-12 §7.2.1): any string is valid. */
const FORMATS = new Map<string, (random: SeededRandom) => string>(
  Object.entries({
    "date-time": (random: SeededRandom) => `${fillDate(random)}T${fillTime(random)}`,
    date: fillDate,
    time: fillTime,
    duration: (random: SeededRandom) => `P${1 + random.below(28)}D`,
    email: (random: SeededRandom) => `${random.pick(WORDS)}@example.com`,
    hostname: (random: SeededRandom) => `${random.pick(WORDS)}.example.com`,
    ipv4: (random: SeededRandom) => `192.0.2.${1 + random.below(254)}`,
    ipv6: (random: SeededRandom) => `2001:db8::${(1 + random.below(0xfffe)).toString(16)}`,
    uri: (random: SeededRandom) => `https://example.com/${random.pick(WORDS)}`,
    uuid: fillUuid,
  }),
);

function fillDate(random: SeededRandom): string {
  return `2026-${twoDigits(1 + random.below(12))}-${twoDigits(1 + random.below(28))}`;
}

function fillTime(random: SeededRandom): string {
  return `${twoDigits(random.below(24))}:${twoDigits(random.below(60))}:${twoDigits(random.below(60))}Z`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** Version 4, variant 1 (RFC 9562 §5.4). */
function fillUuid(random: SeededRandom): string {
  const hex = (digits: number) => Array.from({ length: digits }, () => random.below(16).toString(16)).join("");
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${random.pick(["8", "9", "a", "b"])}${hex(3)}-${hex(12)}`;
}

/** Maximum multiples to try before a range counts as empty. */
const MAX_MULTIPLES = 1_000;
const DEFAULT_RANGE = 100;

export function fillNumber(schema: Schema, isInteger: boolean, random: SeededRandom, budget: FillBudget): number {
  const range = computeRange(schema);
  const multipleOf = toNumber(schema.multipleOf);
  const step = multipleOf ?? (isInteger ? 1 : 0.5);
  const first = Math.ceil(range.low / step);
  const count = Math.floor(range.high / step) - first + 1;
  const start = count > 0 ? random.below(count) : 0;
  for (let tried = 0; tried < Math.min(count, MAX_MULTIPLES); tried++) {
    budget.spendSteps(1);
    const value = multiplyExactly(first + ((start + tried) % count), step);
    if (range.includes(value) && (!isInteger || Number.isInteger(value))) return value;
  }
  const middle = range.low + (range.high - range.low) / 2;
  if (multipleOf === undefined && !isInteger && range.includes(middle)) return middle;
  throw new UnfillableSchemaError("no number was found between its limits.");
}

interface NumberRange {
  low: number;
  high: number;
  includes: (value: number) => boolean;
}

/** In draft 4, `exclusiveMinimum: true` modifies `minimum`; in later drafts it is the limit itself. */
function computeRange(schema: Schema): NumberRange {
  const { exclusiveMinimum, exclusiveMaximum } = schema;
  const minimum = toNumber(schema.minimum) ?? -Infinity;
  const maximum = toNumber(schema.maximum) ?? Infinity;
  const above = exclusiveMinimum === true ? minimum : (toNumber(exclusiveMinimum) ?? -Infinity);
  const below = exclusiveMaximum === true ? maximum : (toNumber(exclusiveMaximum) ?? Infinity);
  let [low, high] = [Math.max(minimum, above), Math.min(maximum, below)];
  const span = Math.max(DEFAULT_RANGE, 4 * (toNumber(schema.multipleOf) ?? 0));
  if (low === -Infinity) low = high === Infinity ? 0 : high - span;
  if (high === Infinity) high = low + Math.max(span, Math.abs(low));
  // Beyond these limits, clients that parse numbers as doubles see a different integer.
  const [safeLow, safeHigh] = [Math.max(low, Number.MIN_SAFE_INTEGER), Math.min(high, Number.MAX_SAFE_INTEGER)];
  if (safeLow <= safeHigh) [low, high] = [safeLow, safeHigh];
  const includes = (value: number) => value >= minimum && value <= maximum && value > above && value < below;
  return { low, high, includes };
}

/** In binary, 3 × 0.1 is 0.30000000000000004; a client that checks `multipleOf` expects 0.3. */
function multiplyExactly(times: number, step: number): number {
  return Number.isInteger(step) ? times * step : Number((times * step).toPrecision(15));
}
