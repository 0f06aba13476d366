import type { z } from "zod";

/** The entries of a hash from ids to JSON. */
export function parseEntries<T extends object>(
  schema: z.ZodType<T>,
  all: Readonly<Record<string, string>>,
): (T & { id: string })[] {
  return Object.entries(all).map(([id, json]) => ({ ...schema.parse(JSON.parse(json)), id }));
}
