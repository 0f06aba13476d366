/** What references and sources are known by: labels as CommonMark matches them, and numbers in every form that models write. */

/** In one reference, as in `[1-3, 7]`. */
const NUMBERS_MAXIMUM = 20;
const NUMBERS = /^\^?\d{1,3}(?:\s*[,;–—-]\s*\^?\d{1,3})*$/;

const DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
export const SUPERSCRIPT = /[⁰¹²³⁴-⁹]/;

export function superscriptNumber(digits: string): string {
  return keyOf(Array.from(digits, (digit) => String(DIGITS.indexOf(digit))).join(""));
}

/** A footnote's label is the number that it says. */
export function keyOf(label: string): string {
  const key = label.trim().replace(/\s+/g, " ").toLowerCase();
  const number = /^\^?(\d{1,3})$/.exec(key)?.[1];
  return number === undefined ? key : String(Number(number));
}

export function keysOf(label: string): { keys: string[]; isNumber: boolean } {
  const text = label.trim();
  if (!NUMBERS.test(text)) return { keys: [keyOf(label)], isNumber: false };
  const keys = text.split(/[,;]/).flatMap((part) => {
    const [from = 0, to = from] = part.split(/[–—-]/).map((number) => Number(number.replace("^", "")));
    return Array.from({ length: Math.min(Math.max(to - from + 1, 1), NUMBERS_MAXIMUM) }, (_, i) => String(from + i));
  });
  return { keys: [...new Set(keys)].slice(0, NUMBERS_MAXIMUM), isNumber: true };
}
