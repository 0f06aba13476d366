/**
 * Splits a long text into sections that fit a model's context, between paragraphs where possible. The same text always
 * splits at the same positions.
 */
export function splitSections(text: string, length: number): string[] {
  const sections: string[] = [];
  let from = 0;
  while (text.length - from > length) {
    const to = findCut(text, from, length);
    sections.push(text.slice(from, to).trim());
    from = to;
  }
  sections.push(text.slice(from).trim());
  return sections.filter((section, i) => section !== "" || i === 0);
}

/** Minimum share of a section before a break, so that sections do not become too short. */
const MIN_SECTION_SHARE = 0.6;

function findCut(text: string, from: number, length: number): number {
  const earliest = from + Math.floor(length * MIN_SECTION_SHARE);
  for (const separator of ["\n\n", "\n", " "]) {
    const at = text.lastIndexOf(separator, from + length - separator.length);
    if (at >= earliest) return at + separator.length;
  }
  const to = from + length;
  return isLowSurrogate(text.charCodeAt(to)) ? to - 1 : to;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
