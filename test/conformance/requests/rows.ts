/** The form of a request row: accepted values with their effect, and values just beyond the limits. */
import type { Json } from "./server.ts";

export interface Accepted {
  fields: Json;
  /** Part of the response; the fields themselves by default. */
  shown?: Json;
  /** Part of the provider's request; the fields themselves by default. Null: none of them is sent. */
  sent?: Json | null;
}

export interface Rejected {
  fields: Json;
  param: string | null;
  code: string;
  message: string;
}

export interface Row {
  accepted: Accepted[];
  rejected: Rejected[];
}

export const repeated = (length: number): string => "x".repeat(length);

/** A number just beyond a limit. */
export function beyond(param: string, fields: Json, kind: "integer" | "decimal", bound: number, got: number): Rejected {
  const [side, sign, code] = got > bound ? ["above maximum", "<=", "above_max"] : ["below minimum", ">=", "below_min"];
  const message = `Invalid '${param}': ${kind} ${side} value. Expected a value ${sign} ${bound}, but got ${got} instead.`;
  return { fields, param, code: `${kind}_${code}_value`, message };
}

export function tooLong(param: string, fields: Json, bound: number, kind: "string" | "array" = "string"): Rejected {
  const noun = kind === "string" ? "a string" : "an array";
  const message = `Invalid '${param}': ${kind} too long. Expected ${noun} with maximum length ${bound}, but got ${noun} with length ${bound + 1} instead.`;
  return { fields, param, code: `${kind}_above_max_length`, message };
}

export function tooShort(param: string, fields: Json, bound: number, kind: "string" | "array" = "string"): Rejected {
  const noun = kind === "string" ? "a string" : "an array";
  const message = `Invalid '${param}': ${kind} too short. Expected ${noun} with minimum length ${bound}, but got an empty ${kind} instead.`;
  return { fields, param, code: `${kind}_below_min_length`, message };
}

export function wrongType(param: string, fields: Json, expected: string, got: string): Rejected {
  const message = `Invalid type for '${param}': expected ${expected}, but got ${got} instead.`;
  return { fields, param, code: "invalid_type", message };
}

export function missing(param: string, fields: Json): Rejected {
  return { fields, param, code: "missing_required_parameter", message: `Missing required parameter: '${param}'.` };
}

/** `zzz` instead of one of `values`. */
export function unsupported(param: string, fields: Json, values: readonly string[]): Rejected {
  const quoted = values.map((value) => `'${value}'`);
  const list = `${quoted.slice(0, -1).join(", ")}${quoted.length > 2 ? "," : ""} and ${quoted.at(-1)}`;
  const supported = quoted.length === 1 ? quoted[0] : list;
  return { fields, param, code: "invalid_value", message: `Invalid value: 'zzz'. Supported values are: ${supported}.` };
}

/** A parameter with a number between two limits; `step` is the distance tried beyond them. */
export function bounded(name: string, kind: "integer" | "decimal", min: number, max: number | undefined): Row {
  const step = kind === "integer" ? 1 : 0.01;
  const bounds = max === undefined ? [min] : [min, max];
  return {
    accepted: bounds.map((value) => ({ fields: { [name]: value } })),
    rejected: [
      ...bounds.map((bound, i) => {
        const got = i === 0 ? bound - step : bound + step;
        return beyond(name, { [name]: got }, kind, bound, got);
      }),
      wrongType(name, { [name]: "1" }, kind === "integer" ? "an integer" : "a decimal", "a string"),
    ],
  };
}

/** A parameter with one of a few words. */
export function oneOf(name: string, values: readonly string[]): Row {
  return {
    accepted: values.map((value) => ({ fields: { [name]: value } })),
    rejected: [unsupported(name, { [name]: "zzz" }, values)],
  };
}
