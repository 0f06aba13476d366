/** Cuts a long text in its middle: the end of a log says how it ended. */

/** A text that was cut before keeps its original length: the note counts all characters that are missing. */
export function truncateMiddle(text: string, maximum: number): string {
  if (text.length <= maximum) return text;
  const total = originalLength(text);
  const room = Math.max(maximum - truncationNote(total, total).length, 0);
  const head = text.slice(0, alignToCharacter(text, Math.ceil(room / 2)));
  const tail = text.slice(alignToCharacter(text, text.length - Math.floor(room / 2)));
  return `${head}${truncationNote(total - head.length - tail.length, total)}${tail}`;
}

/** The length in the text's note, if its sum is right: a tool may print the same words. */
function originalLength(text: string): number {
  const found = TRUNCATION_NOTE.exec(text);
  if (found === null) return text.length;
  const [whole, left, total] = [found[0], Number(found[1]), Number(found[2])];
  return text.length - whole.length + left === total ? total : text.length;
}

const TRUNCATION_NOTE = /\n\[cut off here: (\d+) of (\d+) characters are left out\]\n/;

function truncationNote(left: number, total: number): string {
  return `\n[cut off here: ${left} of ${total} characters are left out]\n`;
}

/** The index, or the one before it if it splits a surrogate pair. */
function alignToCharacter(text: string, index: number): number {
  const isInside = /[\uD800-\uDBFF]/.test(text.charAt(index - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(index));
  return isInside ? index - 1 : index;
}
