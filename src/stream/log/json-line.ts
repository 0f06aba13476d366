/** Encodes JSON on one line for every line splitter. */

/**
 * Line ends that JSON does not escape, at which clients that split like Python's `str.splitlines()` would cut an event
 * (contract.md#frames). The other line ends of that function are control characters, which JSON escapes.
 */
const LINE_ENDS = ["\u0085", "\u2028", "\u2029"] as const;
const LINE_END_PATTERN = new RegExp(`[${LINE_ENDS.join("")}]`, "g");

export function encodeJsonLine(value: unknown): string {
  const json = JSON.stringify(value);
  // Searching for each separately is several times as fast as the regular expression, and few texts contain one.
  return LINE_ENDS.some((end) => json.includes(end)) ? json.replace(LINE_END_PATTERN, escapeCharacter) : json;
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
