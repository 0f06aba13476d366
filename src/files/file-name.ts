/**
 * The name of a file, as a client may store and show it: without folders and characters that hide or change others, and
 * short enough for every file system.
 */

const MAX_BYTES = 255;
const MAX_EXTENSION_BYTES = 32;
const UNNAMED = "unnamed";
/** Control characters, and marks that change the direction of the text around them. */
const HIDDEN = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]/gu;

export function toSafeFileName(name: string): string {
  const last = name.split(/[/\\]/).at(-1)!;
  const visible = last.toWellFormed().replaceAll(HIDDEN, "").trim();
  if (/^\.*$/.test(visible)) return UNNAMED;
  return cutToBytes(visible);
}

/** Keeps the extension, which says how to read the file. */
function cutToBytes(name: string): string {
  if (Buffer.byteLength(name) <= MAX_BYTES) return name;
  const dot = name.lastIndexOf(".");
  const extension = dot > 0 && Buffer.byteLength(name.slice(dot)) <= MAX_EXTENSION_BYTES ? name.slice(dot) : "";
  const stem = extension === "" ? name : name.slice(0, dot);
  return takeBytes(stem, MAX_BYTES - Buffer.byteLength(extension)) + extension;
}

/** Whole characters only. */
function takeBytes(text: string, count: number): string {
  let taken = "";
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > count) break;
    taken += character;
  }
  return taken;
}
