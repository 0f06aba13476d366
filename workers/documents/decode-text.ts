/**
 * Decodes bytes to text. A byte order mark comes first (https://encoding.spec.whatwg.org/#decode). Labels of the server
 * and the page count only if the bytes fit them, because they are often wrong: servers send one charset for all files,
 * and converted pages keep their old label. Without a label, text that fits UTF-8 is UTF-8, and other text is guessed.
 */
import { analyse } from "chardet";

/** Decodes text that is not HTML. Undefined if it is not text. */
export function decodeText(bytes: Uint8Array, charset: string | undefined): string | undefined {
  const text = decodeLabelled(bytes, [charset]);
  // Binary data under any label has characters that no text has.
  return text.includes("\0") ? undefined : text;
}

/** `labels` name the encoding, by descending priority: the server's first, then the page's. */
export function decodeLabelled(bytes: Uint8Array, labels: readonly (string | null | undefined)[]): string {
  const marked = detectByteOrderMark(bytes);
  if (marked !== undefined) return new TextDecoder(marked).decode(bytes);
  const utf8 = new TextDecoder().decode(bytes);
  const fit = classifyUtf8(utf8);
  if (fit === "all-ascii" && !bytes.includes(0)) {
    // Only an encoding that writes all characters in ASCII bytes can differ here.
    const escaped = labels.map(parseEncodingLabel).find((encoding) => encoding !== undefined);
    return escaped === "iso-2022-jp" ? new TextDecoder(escaped).decode(bytes) : utf8;
  }
  for (const encoding of labels.map(parseEncodingLabel)) {
    if (encoding === undefined) continue;
    const text = decodeAs(encoding, bytes, { utf8, fit });
    if (text !== undefined) return text;
  }
  // Text in UTF-8 has no zeros. A few bytes with a zero may be anything.
  const mayBeUtf16 =
    fit === "other" || (bytes.length >= MIN_UTF16_BYTES && bytes.length % 2 === 0 && bytes.includes(0));
  const utf16 = mayBeUtf16 ? detectUtf16(bytes) : undefined;
  if (utf16 === undefined && fit !== "other") return utf8;
  return new TextDecoder(utf16 ?? guessEncoding(bytes) ?? "windows-1252").decode(bytes);
}

const MIN_UTF16_BYTES = 8;

/** How well bytes fit UTF-8. A truncated or concatenated text may have a few invalid bytes. */
type Utf8Fit = "all-ascii" | "utf-8" | "other";
const MAX_ERROR_SHARE = 0.1;

function classifyUtf8(text: string): Utf8Fit {
  const errors = text.split("\ufffd").length - 1;
  let others = 0;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) others += 1;
  if (others === 0) return "all-ascii";
  return errors <= (others - errors) * MAX_ERROR_SHARE ? "utf-8" : "other";
}

/** Undefined if the bytes do not fit the encoding. */
function decodeAs(
  encoding: string,
  bytes: Uint8Array,
  { utf8, fit }: { utf8: string; fit: Utf8Fit },
): string | undefined {
  if (encoding === "utf-8") return fit === "other" ? undefined : utf8;
  if (encoding.startsWith("utf-16")) {
    const utf16 = detectUtf16(bytes);
    return utf16 === undefined ? undefined : new TextDecoder(utf16).decode(bytes);
  }
  // Bytes that fit UTF-8 are hardly ever text in a single-byte encoding.
  if (fit === "utf-8" && !MULTI_BYTE_ENCODINGS.has(encoding)) return utf8;
  const text = new TextDecoder(encoding).decode(bytes);
  return MULTI_BYTE_ENCODINGS.has(encoding) && classifyUtf8(text) === "other" ? undefined : text;
}

const MULTI_BYTE_ENCODINGS: ReadonlySet<string> = new Set([
  "gbk",
  "gb18030",
  "big5",
  "euc-jp",
  "iso-2022-jp",
  "shift_jis",
  "euc-kr",
]);

const SAMPLE_BYTES = 65_536;
/** Of 100. Encodings of Latin letters differ in few of them, so that a short text is as likely in one as in another. */
const MIN_CONFIDENCE = 25;
const MIN_LATIN_CONFIDENCE = 60;
const LATIN = /^(?:windows-125[0247]|ISO-8859-[129])$/;

/** Guesses from the frequencies of letters. Undefined if no encoding is likely. */
function guessEncoding(bytes: Uint8Array): string | undefined {
  const [best] = analyse(bytes.subarray(0, SAMPLE_BYTES));
  if (best === undefined) return undefined;
  const least = LATIN.test(best.name) ? MIN_LATIN_CONFIDENCE : MIN_CONFIDENCE;
  return best.confidence < least ? undefined : parseEncodingLabel(best.name);
}

/** In UTF-16, every second byte of an ASCII character is zero. */
function detectUtf16(bytes: Uint8Array): "utf-16le" | "utf-16be" | undefined {
  const start = bytes.subarray(0, 2_048);
  const zeros = [0, 0];
  for (const [i, byte] of start.entries()) if (byte === 0) zeros[i % 2]! += 1;
  const least = start.length / 8;
  if (zeros[1]! > least && zeros[0]! < least / 4) return "utf-16le";
  return zeros[0]! > least && zeros[1]! < least / 4 ? "utf-16be" : undefined;
}

function detectByteOrderMark([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return undefined;
}

/**
 * The standard's name of the encoding. Undefined for an unknown label, and for encodings that the standard never
 * decodes.
 */
function parseEncodingLabel(label: string | null | undefined): string | undefined {
  if (label == null) return undefined;
  try {
    return new TextDecoder(label.trim().replace(/^["']|["']$/g, "")).encoding;
  } catch {
    return undefined;
  }
}
