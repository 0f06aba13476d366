/** The kinds of value that a setting can have. Each takes the description that docs/configuration.md shows. */
import { z } from "zod";

export interface SettingNote {
  /** Starts with a noun. */
  description: string;
  unit?: string | undefined;
}

export const SETTING_NOTES = z.registry<SettingNote>();

interface IntegerOptions {
  default: number;
  min?: number;
  max?: number;
  unit?: string;
}

export const DAY_SECONDS = 24 * 60 * 60;
/** Node replaces a longer timer by one of 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Maximum of settings whose timer runs some seconds longer than their value. */
export const MAX_EXTENDED_TIMER_MS = MAX_TIMER_MS - 60_000;
export const MAX_PORT = 65_535;

/** An empty variable counts as unset: `PORT=` means the default, not 0. */
const unlessEmpty = (value: unknown): unknown => (typeof value === "string" && value.trim() === "" ? undefined : value);

export function integer(
  description: string,
  { default: fallback, min = 0, max = Number.MAX_SAFE_INTEGER, unit }: IntegerOptions,
) {
  return z
    .preprocess(unlessEmpty, z.coerce.number().int().min(min).max(max).default(fallback))
    .register(SETTING_NOTES, { description, unit });
}

export function milliseconds(description: string, options: IntegerOptions) {
  return integer(description, { max: MAX_TIMER_MS, unit: "ms", ...options });
}

export function seconds(description: string, options: IntegerOptions) {
  return integer(description, { unit: "s", ...options });
}

export function flag(description: string, fallback: boolean) {
  return z
    .preprocess(
      unlessEmpty,
      z
        .enum(["true", "false", "1", "0"])
        .default(fallback ? "true" : "false")
        .transform((value) => value === "true" || value === "1"),
    )
    .register(SETTING_NOTES, { description });
}

export function choice<const T extends readonly string[]>(description: string, values: T, fallback: T[number]) {
  return z.preprocess(unlessEmpty, z.enum(values).default(fallback)).register(SETTING_NOTES, { description });
}

export function text(description: string, fallback: string) {
  return z.preprocess(unlessEmpty, z.string().trim().default(fallback)).register(SETTING_NOTES, { description });
}

/** `allowed` describes the pattern for the error message. */
export function matchingText(description: string, pattern: RegExp, allowed: string, fallback: string) {
  return z
    .preprocess(unlessEmpty, z.string().regex(pattern, allowed).default(fallback))
    .register(SETTING_NOTES, { description });
}

const optional = () =>
  z
    .string()
    .trim()
    .transform((value) => (value === "" ? undefined : value))
    .optional();

export function optionalText(description: string) {
  return optional().register(SETTING_NOTES, { description });
}

export function httpUrl(description: string) {
  return optional()
    .pipe(z.url({ protocol: /^https?$/ }).optional())
    .register(SETTING_NOTES, { description });
}
