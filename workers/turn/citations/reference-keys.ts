/** Keys of references and sources: labels as CommonMark compares them, and numbers in every form that models write. */

/** Maximum numbers in one reference, such as `[1-3, 7]`. */
const MAX_NUMBERS = 20;
const NUMBERS = /^\^?\d{1,3}(?:\s*[,;–—-]\s*\^?\d{1,3})*$/;

const DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
export const SUPERSCRIPT = /[⁰¹²³⁴-⁹]/;

export function parseSuperscript(digits: string): string {
  return toReferenceKey(Array.from(digits, (digit) => String(DIGITS.indexOf(digit))).join(""));
}

/** The key of a footnote is its number. */
export function toReferenceKey(label: string): string {
  const key = label.trim().replace(/\s+/g, " ").toLowerCase();
  const number = /^\^?(\d{1,3})$/.exec(key)?.[1];
  return number === undefined ? key : String(Number(number));
}

export function toReferenceKeys(label: string): { keys: string[]; isNumber: boolean } {
  const text = label.trim();
  if (!NUMBERS.test(text)) return { keys: [toReferenceKey(label)], isNumber: false };
  const keys = text.split(/[,;]/).flatMap((part) => {
    const [from = 0, to = from] = part.split(/[–—-]/).map((number) => Number(number.replace("^", "")));
    return Array.from({ length: Math.min(Math.max(to - from + 1, 1), MAX_NUMBERS) }, (_, i) => String(from + i));
  });
  return { keys: [...new Set(keys)].slice(0, MAX_NUMBERS), isNumber: true };
}
