/**
 * In items, clients may say more than the schemas of the wire know. A file of the operator's own is held to
 * what it says: the path of the first key in `json` that is not in what was parsed from it.
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
