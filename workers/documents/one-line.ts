/** Shortens a foreign title or date to one line. */
export function toOneLine(text: string | null | undefined, length = 300): string {
  const line = (text ?? "").replace(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length)}…` : line;
}
