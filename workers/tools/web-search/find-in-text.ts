/** Finds passages in a page's text, for `find_in_page`. */
export interface Match {
  /** Starts at 1. */
  page: number;
  excerpt: string;
}

export interface Matches {
  total: number;
  shown: Match[];
}

const MAX_SHOWN = 20;
const CONTEXT_LENGTH = 250;
const MAX_TOTAL = 1_000;

/** Ignores case, spacing and link targets. `sections` are the parts that `open_page` returns. */
export function findInSections(sections: readonly string[], pattern: string): Matches {
  const needle = collapseSpaces(pattern).trim().toLowerCase();
  const shown: Match[] = [];
  let total = 0;
  if (needle === "") return { total, shown };
  for (const [i, section] of sections.entries()) {
    const text = collapseSpaces(removeLinkTargets(section));
    const haystack = lowerCaseSameLength(text);
    let at = haystack.indexOf(needle);
    while (at >= 0 && total < MAX_TOTAL) {
      total += 1;
      if (shown.length < MAX_SHOWN) shown.push({ page: i + 1, excerpt: cutExcerpt(text, at, needle.length) });
      at = haystack.indexOf(needle, at + needle.length);
    }
  }
  return { total, shown };
}

function collapseSpaces(text: string): string {
  return text.replace(/\s+/g, " ");
}

/** Keeps the length, so that an index in one text is an index in the other. */
function lowerCaseSameLength(text: string): string {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Reduces `[text](address)` to its text. */
function removeLinkTargets(text: string): string {
  return text.replace(/\[([^[\]\n]*)\]\([^()\s]*\)/g, "$1");
}

function cutExcerpt(text: string, at: number, length: number): string {
  const from = Math.max(0, at - CONTEXT_LENGTH);
  const to = Math.min(text.length, at + length + CONTEXT_LENGTH);
  return `${from > 0 ? "…" : ""}${text.slice(from, to).trim()}${to < text.length ? "…" : ""}`;
}
