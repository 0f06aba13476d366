/**
 * Turns zod's issues into the contract's error: the first in the contract's order, with its exact message, `param` and
 * `code` (contract.md#order-of-errors, contract.md#error-catalogue).
 */
import type { z } from "zod";
import { type ApiError, badRequest, missingParameter, unknownParameter } from "../../lifecycle/errors/api-error.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** Every `code` of a validation error. The API's description lists each of them (src/openapi/). */
export const VALIDATION_ERROR_CODES = [
  "array_above_max_length",
  "array_below_min_length",
  "decimal_above_max_value",
  "decimal_below_min_value",
  "integer_above_max_value",
  "integer_below_min_value",
  "invalid_type",
  "invalid_value",
  "missing_required_parameter",
  "object_above_max_properties",
  "property_name_above_max_length",
  "string_above_max_length",
  "string_below_min_length",
  "unknown_parameter",
] as const;

const validationError: (message: string, param: string, code: (typeof VALIDATION_ERROR_CODES)[number]) => ApiError =
  badRequest;

/** The error to report for `issues` in `body`. */
export function toValidationError(issues: readonly Issue[], body: unknown): ApiError {
  return describeIssue(flattenUnionIssue(issues[0]!), body);
}

/** Replaces a union's issue with that of the member which the value was probably meant to be. */
export function flattenUnionIssue(issue: Issue): Issue {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return issue;
  const members = issue.errors.map((errors) => errors[0]!).filter((error) => error !== undefined);
  const meant = members.find((member) => !isTypeMismatch(member));
  if (meant === undefined) {
    const expected = members.map((member) => typeNounOf("expected" in member ? String(member.expected) : "string"));
    return {
      ...issue,
      code: "custom",
      params: { kind: "type", expected: `one of ${expected.join(" or ")}` },
    };
  }
  return flattenUnionIssue({ ...meant, path: [...issue.path, ...meant.path] });
}

function isTypeMismatch(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  return issue.code === "invalid_type" || (issue.code === "invalid_value" && typeof issue.input !== "string");
}

function describeIssue(issue: Issue, body: unknown): ApiError {
  const param = formatPath(issue.path);
  const value = valueAt(body, issue.path);
  switch (issue.code) {
    case "invalid_type":
      if (issue.expected === "never") return unknownParameter(param);
      if (issue.expected === "int" && typeof value === "number") return wrongTypeError(param, "an integer", value);
      return value === undefined ? missingParameter(param) : wrongTypeError(param, expectedNoun(issue), value);
    case "invalid_union":
      // No member has this discriminator, and zod's path ends with it.
      return value === undefined
        ? missingParameter(param)
        : badValueError(param, value, "options" in issue ? issue.options : []);
    case "invalid_value":
      if (value === undefined) return missingParameter(param);
      if (typeof value !== "string") return wrongTypeError(param, "a string", value);
      return badValueError(param, value, issue.values);
    case "too_small":
    case "too_big":
      return outOfBoundsError(issue, param, value);
    case "invalid_key":
      return longPropertyNameError(issue);
    case "unrecognized_keys":
      return unknownParameter(formatPath([...issue.path, issue.keys[0]!]));
    case "invalid_format":
      return wrongFormatError(issue, param);
    case "custom":
      return customError(issue, param, value);
    default:
      return validationError(`Invalid '${param}': ${issue.message}`, param, "invalid_value");
  }
}

function wrongFormatError(issue: Extract<Issue, { code: "invalid_format" }>, param: string): ApiError {
  const pattern = (issue.pattern ?? issue.format).replace(/^\/|\/$/g, "");
  const message = `Invalid '${param}': string does not match pattern. Expected a string that matches the pattern '${pattern}'.`;
  return validationError(message, param, "invalid_value");
}

function customError(issue: Extract<Issue, { code: "custom" }>, param: string, value: unknown): ApiError {
  const { kind, expected, maximum } = issue.params ?? {};
  if (kind === "type")
    return value === undefined ? missingParameter(param) : wrongTypeError(param, String(expected), value);
  if (kind === "properties") {
    const count = Object.keys(value as object).length;
    return validationError(
      `Invalid '${param}': too many properties. Expected an object with at most ${maximum} properties, but got an object with ${count} properties instead.`,
      param,
      "object_above_max_properties",
    );
  }
  return validationError(`Invalid '${param}': ${issue.message}`, param, "invalid_value");
}

function outOfBoundsError(
  issue: Extract<Issue, { code: "too_small" | "too_big" }>,
  param: string,
  value: unknown,
): ApiError {
  const isAbove = issue.code === "too_big";
  const bound = Number(isAbove ? issue.maximum : issue.minimum);
  const code = isAbove ? "above_max" : "below_min";
  if (issue.origin === "number" || issue.origin === "int") {
    const kind = isInteger(issue.path) ? "integer" : "decimal";
    const expected = `${kind} ${isAbove ? "above maximum" : "below minimum"} value. Expected a value ${isAbove ? "<=" : ">="} ${bound}`;
    return validationError(
      `Invalid '${param}': ${expected}, but got ${String(value)} instead.`,
      param,
      `${kind}_${code}_value`,
    );
  }
  const [kind, noun] = issue.origin === "string" ? (["string", "a string"] as const) : (["array", "an array"] as const);
  const { length } = value as { length: number };
  const got = length === 0 ? `an empty ${kind}` : `${noun} with length ${length}`;
  const expected = `${kind} too ${isAbove ? "long" : "short"}. Expected ${noun} with ${isAbove ? "maximum" : "minimum"} length ${bound}`;
  return validationError(`Invalid '${param}': ${expected}, but got ${got} instead.`, param, `${kind}_${code}_length`);
}

/** All integer parameters with bounds: the contract distinguishes integers from decimals, zod does not. */
const INTEGER_PARAMS = new Set([
  "bytes",
  "compact_threshold",
  "chunk_overlap_tokens",
  "created_after",
  "created_before",
  "dimensions",
  "limit",
  "max_chunk_size_tokens",
  "max_num_results",
  "max_output_tokens",
  "max_results",
  "max_tool_calls",
  "output_compression",
  "partial_images",
  "seconds",
  "top_logprobs",
]);

const isInteger = (path: Path): boolean => INTEGER_PARAMS.has(String(path.at(-1)));

function expectedNoun({ expected, path }: Extract<Issue, { code: "invalid_type" }>): string {
  return expected === "number" && isInteger(path) ? "an integer" : typeNounOf(expected);
}

function longPropertyNameError(issue: Extract<Issue, { code: "invalid_key" }>): ApiError {
  const key = String(issue.path.at(-1));
  const parent = formatPath(issue.path.slice(0, -1));
  const inner = issue.issues[0];
  const bound = inner?.code === "too_big" ? Number(inner.maximum) : 0;
  return validationError(
    `Invalid property name in '${parent}': '${key}' is too long. Expected a string with maximum length ${bound}, but got a string with length ${key.length} instead.`,
    formatPath(issue.path),
    "property_name_above_max_length",
  );
}

export function wrongTypeError(param: string, expected: string, value: unknown): ApiError {
  const noun = param === "metadata" ? "a metadata object" : expected;
  const got = describeValue(value);
  return validationError(
    `Invalid type for '${param}': expected ${noun}, but got ${got} instead.`,
    param,
    "invalid_type",
  );
}

export function reservedNameError(parent: string, name: string): ApiError {
  const param = `${parent}.${name}`;
  return validationError(`Invalid property name in '${parent}': '${name}' is reserved.`, param, "invalid_value");
}

function badValueError(param: string, value: unknown, supported: readonly unknown[]): ApiError {
  const excerpt = (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 100);
  return validationError(`Invalid value: '${excerpt}'.${supportedValues(supported)}`, param, "invalid_value");
}

function supportedValues(values: readonly unknown[]): string {
  const quoted = values.map((value) => `'${String(value)}'`);
  if (quoted.length === 0) return "";
  if (quoted.length === 1) return ` Supported values are: ${quoted[0]}.`;
  return ` Supported values are: ${quoted.slice(0, -1).join(", ")}${quoted.length > 2 ? "," : ""} and ${quoted.at(-1)}.`;
}

const NOUNS: Record<string, string> = {
  string: "a string",
  number: "a decimal",
  int: "an integer",
  boolean: "a boolean",
  array: "an array",
  tuple: "an array",
  object: "an object",
  record: "an object",
};

function typeNounOf(expected: string): string {
  return NOUNS[expected] ?? expected;
}

function describeValue(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number") return Number.isInteger(value) ? "an integer" : "a decimal number";
  return typeNounOf(typeof value);
}

function valueAt(body: unknown, path: Path): unknown {
  let value = body;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** `input[0].content`, `metadata.key` (contract.md#error-catalogue). */
export function formatPath(path: Path): string {
  let text = "";
  for (const key of path) text += typeof key === "number" ? `[${key}]` : text === "" ? String(key) : `.${String(key)}`;
  return text;
}
