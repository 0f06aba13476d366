/**
 * Reads documents of Word. mammoth makes HTML of them, with headings, lists, tables and footnotes, which is then written
 * as a web page is.
 */
import mammoth from "mammoth";
import { DocumentError } from "../document.ts";
import { renderHtmlText } from "../html/render-html.ts";
import type { FormatReader } from "../process/format-reader.ts";
import { readCoreTitle } from "./core-properties.ts";
import { ZipArchive } from "./zip-archive.ts";

const MAIN_PART = "word/document.xml";
/** Images have no text. */
const NO_IMAGES = mammoth.images.imgElement(() => Promise.resolve({ src: "" }));
/** What mammoth adds to a note, to lead back to its reference. */
const BACK_LINK = /\s*<a href="#[^"]*">↑<\/a>/g;
const NOTE_START = /<li id="(?:foot|end)note-[^"]*">\s*<p>/g;
/** Text boxes and the like have a style of their own in some languages. */
const STYLE_MAP = ["p[style-name='Title'] => h1:fresh", "p[style-name='Subtitle'] => h2:fresh"];

export const readDocx: FormatReader = async ({ bytes, request, text }) => {
  const archive = new ZipArchive(bytes, request.limits.maxUnpackedBytes);
  if (archive.unpackedBytes > request.limits.maxUnpackedBytes)
    throw new DocumentError("too_large", "The file is too large when it is unpacked.");
  if (!archive.has(MAIN_PART) && !archive.has("_rels/.rels"))
    throw new DocumentError("invalid_file", `The file is damaged: it has no ${MAIN_PART}.`);
  const { value: html } = await mammoth.convertToHtml(
    { buffer: Buffer.from(bytes) },
    { convertImage: NO_IMAGES, styleMap: STYLE_MAP, includeEmbeddedStyleMap: false, externalFileAccess: false },
  );
  // One character more shows that the text is longer.
  text.writeMarkdown(renderHtmlText(numberNotes(html), request.limits.maxTextLength + 1));
  return { title: readCoreTitle(archive) ?? text.headings.find(({ level }) => level === 1)?.text };
};

/** A note gets the number that its reference has in the text. */
function numberNotes(html: string): string {
  let number = 0;
  return html.replace(BACK_LINK, "").replace(NOTE_START, (start) => `${start}[${(number += 1)}] `);
}
