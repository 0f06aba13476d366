/** JSON that another server sent. Nothing of it is believed before it was looked at. */
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

/** A place in a list, or a count: a whole number from 0. */
export function asIndex(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The fields that say something: for options in which null or undefined would be a value. */
export function omitNullish<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return omitFields(fields) as { [K in keyof T]?: NonNullable<T[K]> };
}
