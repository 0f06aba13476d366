/**
 * Redacts secrets in any text that may repeat them: verbatim, in base64, in hexadecimal, percent-encoded, or escaped
 * for JSON or HTML. It never builds a regular expression from a secret, because the engine's errors quote the pattern.
 * The time is linear in the text and the secrets, even if an attacker chose them: an Aho-Corasick automaton over the
 * first characters of each form scans the text once verbatim and once per round of decoding.
 */
import { decodeRound } from "./redaction/decoded-text.ts";
import { createSecretForms } from "./redaction/secret-forms.ts";
import { SecretAutomaton } from "./redaction/secret-automaton.ts";

export type Redact = (text: string) => string;

/** Shorter values are not secret enough, and occur in any text. */
export const SECRET_MIN_LENGTH = 8;
/** For example, a secret in a URL in a JSON text in a JSON text. */
const DECODING_ROUNDS = 3;
/**
 * No operator has this many. With more or longer secrets every text is redacted whole, so that no request can make a
 * worker search for long.
 */
const MAX_SECRETS = 1_000;
/** Over all forms of all secrets. */
const MAX_FORMS_CHARACTERS = 128 * 1024;

export interface RedactionOptions {
  /** The replacement text. */
  mark?: string;
  /** Shorter values are not treated as secrets. */
  minLength?: number;
}

/** Never throws, and no error contains a secret. */
export function createRedactor(secrets: readonly string[], options: RedactionOptions = {}): Redact {
  const { mark = "<redacted>", minLength = SECRET_MIN_LENGTH } = options;
  const kept = new Set(secrets.filter(({ length }) => length >= minLength));
  if (kept.size === 0) return (text) => text;
  const blotWhole = (text: string) => (text.length < minLength ? text : mark);
  if (kept.size > MAX_SECRETS) return blotWhole;
  const automaton = new SecretAutomaton(MAX_FORMS_CHARACTERS, SECRET_MIN_LENGTH);
  for (const secret of kept) {
    for (const form of createSecretForms(secret, DECODING_ROUNDS)) {
      if (!automaton.add(form)) return blotWhole;
    }
  }
  automaton.finish();
  return (text) => replaceRanges(text, findAll(text, automaton), mark);
}

/** Redacts every text in a JSON value, including field names. */
export function redactTexts(value: unknown, redact: Redact): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((each: unknown) => redactTexts(each, redact));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [redact(name), redactTexts(each, redact)]));
}

/** The parts of an error that a log may show. SDKs attach requests and answers to their errors. */
export function redactError(error: unknown, redact: Redact): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  const cause = redactError(error.cause, redact);
  const { code } = error as { code?: unknown };
  const { name, stack } = error;
  const redacted = new Error(redact(error.message), { ...(cause !== undefined && { cause }) });
  return Object.assign(redacted, {
    name,
    ...(stack !== undefined && { stack: redact(stack) }),
    ...(typeof code === "string" && { code: redact(code) }),
  });
}

type Range = readonly [from: number, to: number];

function findAll(text: string, automaton: SecretAutomaton): Range[] {
  const found = automaton.find(text);
  let view = { text, at: (position: number) => position };
  for (let round = 0; round < DECODING_ROUNDS; round++) {
    const decoded = decodeRound(view.text);
    if (decoded === undefined) break;
    const outer = view.at;
    view = { text: decoded.text, at: (position) => outer(decoded.at(position)) };
    for (const [from, to] of automaton.find(view.text)) found.push([view.at(from), view.at(to)]);
  }
  return found;
}

function replaceRanges(text: string, ranges: readonly Range[], mark: string): string {
  if (ranges.length === 0) return text;
  let left = "";
  let end = -1;
  let kept = 0;
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (from >= end) {
      left += text.slice(kept, from) + mark;
      end = to;
    } else end = Math.max(end, to);
    kept = end;
  }
  return left + text.slice(kept);
}
