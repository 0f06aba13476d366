/** JSON that is one line, wherever its reader ends lines. */

/**
 * Characters that JSON leaves as they are, and at which clients that split lines as Python's `str.splitlines()` does would
 * cut an event (contract.md#frames). The others of that function are control characters, which JSON escapes.
 */
const LINE_ENDS = ["\u0085", "\u2028", "\u2029"] as const;
const LINE_END_PATTERN = new RegExp(`[${LINE_ENDS.join("")}]`, "g");

export function encodeJsonLine(value: unknown): string {
  const json = JSON.stringify(value);
  // Each is searched for by itself: that is several times as fast as the expression, and hardly a text has one.
  return LINE_ENDS.some((end) => json.includes(end)) ? json.replace(LINE_END_PATTERN, escapeCharacter) : json;
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
