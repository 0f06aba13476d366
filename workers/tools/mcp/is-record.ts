/** What a server sends is read without trust: an object is the least that is asked of a tool, a block or a schema. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
