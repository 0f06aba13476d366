/** Dates of spreadsheets. A cell holds a number of days, and only its style says that it is a date. */
import { readXml } from "./xml-events.ts";

/** Formats that every program knows (ECMA-376 part 1 §18.8.30): of all languages, and of East Asian ones. */
const BUILT_IN_DATES: readonly [from: number, to: number][] = [
  [14, 22],
  [27, 36],
  [45, 47],
  [50, 58],
];

/** By the index of a style, whether it shows a date or a time. */
export function readDateStyles(part: Uint8Array): boolean[] {
  const custom = new Map<number, string>();
  const styles: boolean[] = [];
  let isInCells = false;
  readXml(part, {
    open: ({ name, attributes }) => {
      if (name === "numFmt") custom.set(Number(attributes["numFmtId"]), attributes["formatCode"] ?? "");
      if (name === "cellXfs") isInCells = true;
      if (name === "xf" && isInCells) styles.push(isDateFormat(Number(attributes["numFmtId"]), custom));
    },
    close: (name) => {
      if (name === "cellXfs") isInCells = false;
    },
  });
  return styles;
}

function isDateFormat(id: number, custom: ReadonlyMap<number, string>): boolean {
  const code = custom.get(id);
  if (code === undefined) return BUILT_IN_DATES.some(([from, to]) => id >= from && id <= to);
  // Literal text, colours, conditions and locales are no part of the pattern.
  return /[ymdhs]/i.test(code.slice(0, 255).replace(/"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|general/gi, ""));
}

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Day 0. Excel counts a 29 February 1900, so its days before March 1900 are one off. */
const EPOCH_1900 = Date.UTC(1899, 11, 30);
const EPOCH_1904 = Date.UTC(1904, 0, 1);
/** Days until the year 9999. */
const MAX_DAYS = 2_958_466;

/** ISO 8601: a date, a date with a time, or a time without a date. */
export function formatDate(days: number, usesDatesFrom1904: boolean): string {
  if (days < 0 || days > MAX_DAYS) return String(days);
  const epoch = usesDatesFrom1904 ? EPOCH_1904 : EPOCH_1900;
  const shift = !usesDatesFrom1904 && days >= 1 && days < 60 ? 1 : 0;
  const iso = new Date(epoch + Math.round(((days + shift) * DAY_MS) / 1_000) * 1_000).toISOString();
  const [date, time] = [iso.slice(0, 10), iso.slice(11, 19)];
  if (days < 1) return time;
  return Number.isInteger(days) ? date : `${date} ${time}`;
}
