/**
 * Blots a request's secrets out of what its server says: a server may repeat what it was sent, in a result as in an error,
 * and what it says is stored, shown to clients and to models. The names of tools and of their parameters stay as they are:
 * they are said back to the server.
 */

export type Redact = (text: string) => string;

const REDACTED = "<redacted>";
/** Shorter values keep no secret, and words like them stand in any text. */
const SECRET_MINIMUM = 8;

export function redactor(secrets: readonly string[]): Redact {
  const kept = secrets.filter((secret) => secret.length >= SECRET_MINIMUM);
  // As they are, and as they are written in JSON, which is what much of the text is.
  const written = new Set(kept.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]));
  if (written.size === 0) return (text) => text;
  // The longest first: of a secret that begins with another, nothing must be left.
  const longestFirst = [...written].toSorted((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map((secret) => RegExp.escape(secret)).join("|"), "g");
  return (text) => text.replaceAll(pattern, REDACTED);
}

/** Every text in a value that came as JSON. */
export function redactTexts(value: unknown, redact: Redact): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((each: unknown) => redactTexts(each, redact));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, redactTexts(each, redact)]));
}
