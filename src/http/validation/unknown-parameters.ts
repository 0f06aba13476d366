/**
 * Parameters that this server does not know. It rejects them, as the hosted API does, or drops them with
 * UNKNOWN_PARAMETERS=ignore. A header lists the dropped names, so that clients do not expect an effect. Unpublished
 * parameters that known clients always send are not unknown: the schemas in `protocol/` list them with the client's name.
 */
import type { Response as HttpResponse } from "express";
import type { z } from "zod";
import type { Config } from "../../config/config.ts";
import { unknownParameter } from "../../lifecycle/errors/api-error.ts";
import { checkFields, checkFieldsInSlices } from "./check-fields.ts";
import { toValidationError, flattenUnionIssue, formatPath } from "./validation-errors.ts";

type Issue = z.core.$ZodIssue;
type Fields = Record<string, unknown>;

export const IGNORED_HEADER = "x-ignored-parameters";

/** A pass drops all names that zod reports at once. A name that another issue hides takes one more pass. */
const MAX_PASSES = 16;
/** Maximum issues per pass. */
const ISSUES_PER_PASS = 1_000;
/** Maximum dropped names. A request with more is rejected: no client sends as many by mistake. */
const MAX_IGNORED = 10_000;
const NAME_LENGTH = 100;
const HEADER_LENGTH = 1_000;

export class UnknownParameters {
  readonly #isIgnoring: boolean;
  readonly #ignored: string[] = [];

  constructor(mode: Config["UNKNOWN_PARAMETERS"] = "refuse") {
    this.#isIgnoring = mode === "ignore";
  }

  /** The fields with known names. Throws for the first unknown name, unless unknown names are ignored. */
  dropUnknown(fields: Fields, known: readonly string[]): Fields {
    const isKnown = ([name]: [string, unknown]): boolean => {
      if (known.includes(name)) return true;
      if (!this.#isIgnoring || this.#ignored.length >= MAX_IGNORED)
        throw unknownParameter(name, findNearestName(name, known));
      this.#ignored.push(name);
      return false;
    };
    return Object.fromEntries(Object.entries(fields).filter(isKnown));
  }

  /** Throws the first error. If unknown names are ignored, drops nested ones from `fields` first. */
  parse<S extends z.ZodType>(schema: S, fields: Fields): z.infer<S> {
    for (let pass = 0; ; pass += 1) {
      const parsed = checkFields(schema, fields, this.#maxIssues);
      if (parsed.issues === undefined) return parsed.data;
      this.#dropNames(parsed.issues, fields, pass);
    }
  }

  /** Checks large fields in slices, so that other requests are served meanwhile. */
  async parseInSlices<S extends z.ZodType>(schema: S, fields: Fields): Promise<z.infer<S>> {
    for (let pass = 0; ; pass += 1) {
      const parsed = await checkFieldsInSlices(schema, fields, this.#maxIssues);
      if (parsed.issues === undefined) return parsed.data;
      this.#dropNames(parsed.issues, fields, pass);
    }
  }

  /** The server reports only the first issue, but drops many names at once. */
  get #maxIssues(): number {
    return this.#isIgnoring ? ISSUES_PER_PASS : 1;
  }

  #dropNames(issues: readonly Issue[], fields: Fields, pass: number): void {
    const names = this.#isIgnoring && pass < MAX_PASSES ? issues.flatMap(findUnknownPaths) : [];
    if (names.length === 0 || this.#ignored.length + names.length > MAX_IGNORED)
      throw toValidationError(issues, fields);
    for (const path of names) this.#dropField(fields, path);
  }

  #dropField(fields: Fields, path: readonly PropertyKey[]): void {
    let parent: unknown = fields;
    for (const key of path.slice(0, -1)) parent = (parent as Record<PropertyKey, unknown>)[key];
    // No other request shares this body.
    delete (parent as Record<PropertyKey, unknown>)[path.at(-1)!];
    this.#ignored.push(formatPath(path));
  }

  /** Shortens a list that is too long for a header. */
  setHeader(response: HttpResponse): void {
    if (this.#ignored.length === 0) return;
    let value = "";
    for (const [i, name] of this.#ignored.entries()) {
      const next = `${value}${i === 0 ? "" : ", "}${escapeForHeader(name)}`;
      if (next.length > HEADER_LENGTH) {
        value += `, and ${this.#ignored.length - i} more`;
        break;
      }
      value = next;
    }
    response.set(IGNORED_HEADER, value);
  }
}

/** The paths of unknown names. */
function findUnknownPaths(issue: Issue): PropertyKey[][] {
  const meant = flattenUnionIssue(issue);
  if (meant.code === "unrecognized_keys") return meant.keys.map((key) => [...meant.path, key]);
  return meant.code === "invalid_type" && meant.expected === "never" ? [meant.path] : [];
}

/** A client chooses the names, so unsafe characters are percent-encoded. */
function escapeForHeader(name: string): string {
  const escape = (character: string): string =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
  return name.slice(0, NAME_LENGTH).replaceAll(/[^\w.[\]-]/gu, escape);
}

function findNearestName(name: string, known: readonly string[]): string | undefined {
  return known.find((each) => editDistance(each, name) <= 2);
}

/** Levenshtein distance, for short strings. Any distance above 2 may be returned as 3. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
