/**
 * The wire schemas tolerate unknown keys in items, but an operator's file is checked strictly. Returns the path of the
 * first key in `json` that is missing from the parsed value.
 */
export function findUnknownKey(json: unknown, parsed: unknown): PropertyKey[] | undefined {
  if (typeof json !== "object" || json === null || typeof parsed !== "object" || parsed === null) return undefined;
  for (const [key, value] of Object.entries(json)) {
    if (!Object.hasOwn(parsed, key)) return [key];
    const inside = findUnknownKey(value, (parsed as Record<string, unknown>)[key]);
    if (inside !== undefined) return [Array.isArray(json) ? Number(key) : key, ...inside];
  }
  return undefined;
}
