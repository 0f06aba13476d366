/** A title or a date as somebody else's page or search engine gives it: one line, and not longer than such a thing is. */
export function toOneLine(text: string | null | undefined, length = 300): string {
  const line = (text ?? "").replace(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length)}…` : line;
}
