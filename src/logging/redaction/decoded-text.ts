/** A text with its escapes (URL, JSON, HTML) decoded. It maps each character to its original position. */

export interface DecodedText {
  text: string;
  /** Maps an index of `text` to an index of the original. */
  at: (position: number) => number;
}

/** A constant pattern without backtracking, so its time is linear in the text. */
const ESCAPE =
  /(?:%[0-9a-f]{2})+|\\(?:u[0-9a-f]{4}|x[0-9a-f]{2}|["\\/'bfnrt])|&(?:#x0{0,4}[0-9a-f]{1,6}|#0{0,4}[0-9]{1,7}|amp|lt|gt|quot|apos);/gi;
const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const ESCAPED: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const MAX_CODE_POINT = 0x10ffff;
const HEX = 16;
const PERCENT_LENGTH = 3;
const CONTINUATION = 0b10;

/** Returns undefined if nothing is escaped. */
export function decodeRound(text: string): DecodedText | undefined {
  const pieces: string[] = [];
  // Pairs of indices, in the decoded text and in the original, after which both advance equally.
  const decodedAt: number[] = [0];
  const originalAt: number[] = [0];
  let length = 0;
  let read = 0;
  const add = (piece: string, from: number, to: number) => {
    pieces.push(text.slice(read, from), piece);
    length += from - read;
    decodedAt.push(length);
    originalAt.push(from);
    length += piece.length;
    decodedAt.push(length);
    originalAt.push(to);
    read = to;
  };
  for (const { 0: escape, index } of text.matchAll(ESCAPE)) {
    if (escape.startsWith("%")) addPercents(escape, index, add);
    else add(escape.startsWith("&") ? decodeEntity(escape) : decodeBackslash(escape), index, index + escape.length);
  }
  if (read === 0) return undefined;
  pieces.push(text.slice(read));
  const at = (position: number): number => {
    const index = lastUpTo(decodedAt, position);
    return Math.min(originalAt[index]! + position - decodedAt[index]!, text.length);
  };
  return { text: pieces.join(""), at };
}

/** Decodes a text `rounds` times. */
export function decodeRounds(text: string, rounds: number): string {
  let decoded = text;
  for (let round = 0; round < rounds; round++) decoded = decodeRound(decoded)?.text ?? decoded;
  return decoded;
}

/** Decodes UTF-8 character by character; bytes that are not UTF-8 count as Latin-1. */
function addPercents(run: string, start: number, add: (piece: string, from: number, to: number) => void): void {
  const bytes = Buffer.from(run.replaceAll("%", ""), "hex");
  for (let i = 0; i < bytes.length;) {
    const count = characterLength(bytes, i);
    const piece = bytes.toString(count === 1 ? "latin1" : "utf8", i, i + count);
    add(piece, start + i * PERCENT_LENGTH, start + (i + count) * PERCENT_LENGTH);
    i += count;
  }
}

function characterLength(bytes: Buffer, at: number): number {
  const lead = bytes[at]!;
  const count = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
  const rest = bytes.subarray(at + 1, at + count);
  const isWhole = lead < 0xf5 && rest.length === count - 1 && rest.every((byte) => byte >> 6 === CONTINUATION);
  return isWhole ? count : 1;
}

function decodeBackslash(escape: string): string {
  const kind = escape[1]!;
  if (escape.length > 2) return String.fromCharCode(Number.parseInt(escape.slice(2), HEX));
  return ESCAPED[kind] ?? kind;
}

function decodeEntity(entity: string): string {
  const name = entity.slice(1, -1).toLowerCase();
  if (!name.startsWith("#")) return NAMED[name]!;
  const code = name.startsWith("#x") ? Number.parseInt(name.slice(2), HEX) : Number(name.slice(1));
  return code <= MAX_CODE_POINT ? String.fromCodePoint(code) : entity;
}

/** The index of the last number in an ascending list that is at most `limit`. */
function lastUpTo(ascending: readonly number[], limit: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (ascending[middle]! <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}
