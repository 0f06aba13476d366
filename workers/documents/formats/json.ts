/** Writes JSON. JSON on one line is spread over lines, so that it can be read in parts. */
import type { DocumentText } from "../process/document-text.ts";

/** A line that is longer has no layout of its own. */
const MAX_LINE_LENGTH = 1_000;
/** Maximum length that is spread over lines: its values take many times the memory of its text. */
const MAX_SPREAD_LENGTH = 5_000_000;

export function writeJson(content: string, text: DocumentText): void {
  text.writeBlock(hasLongLine(content) ? (indent(content) ?? content) : content);
}

function hasLongLine(content: string): boolean {
  for (let start = 0; start < content.length;) {
    const end = content.indexOf("\n", start);
    const next = end < 0 ? content.length : end + 1;
    if (next - start > MAX_LINE_LENGTH) return true;
    start = next;
  }
  return false;
}

/** Undefined if it is too long, is not valid, has several documents, or nests too deep to be written. */
function indent(content: string): string | undefined {
  if (content.length > MAX_SPREAD_LENGTH) return undefined;
  try {
    return JSON.stringify(JSON.parse(content), undefined, 1);
  } catch {
    return undefined;
  }
}
