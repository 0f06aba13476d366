/** Narrows an untrusted value of a server to an object: a tool, a block or a schema must be at least that. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
