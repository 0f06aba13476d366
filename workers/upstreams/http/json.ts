/** JSON from another server, which may have any shape: check each value before use. */
import { omitFields } from "../../../src/providers/openai-items.ts";

export type Json = Record<string, unknown>;
export type ProviderEvent = Json & { type: string };

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isProviderEvent(value: unknown): value is ProviderEvent {
  return isObject(value) && typeof value["type"] === "string";
}

export function asString(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The value if it is an index or a count: an integer from 0. */
export function asIndex(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Drops null and undefined fields, for options in which they would count as values. */
export function omitNullish<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return omitFields(fields) as { [K in keyof T]?: NonNullable<T[K]> };
}

/** Undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether the text is a whole JSON object. Called as arguments grow, it parses only texts that end with a brace. */
export function isCompleteObject(json: string): boolean {
  return /\}\s*$/.test(json.slice(-64)) && isObject(parseJson(json));
}
