/**
 * Reads PDFs with pdf.js, as unpdf packs it: without a canvas, and without code from strings. Fonts and images are not
 * loaded for their looks.
 */
import { type PDFDocumentProxy, type TextItem, type TextMarkedContent } from "./pdf-types.ts";
import { DocumentError } from "../document.ts";
import { toOneLine } from "../one-line.ts";
import type { FormatDetails, FormatReader } from "../process/format-reader.ts";
import { CharacterMaps } from "./character-maps.ts";
import { readLines, type PdfLine } from "./pdf-lines.ts";
import { findHeadingSizes, writePage } from "./pdf-layout.ts";
import { readOutline } from "./pdf-outline.ts";

/** Pixels of an image that pdf.js decodes. No image is text. */
const MAX_IMAGE_PIXELS = 1;
const ERRORS_ONLY = 0;

export const readPdf: FormatReader = async ({ bytes, request, text }) => {
  await using pdf = await openPdf(bytes);
  const { document } = pdf;
  const pages = Math.min(document.numPages, request.limits.maxPages);
  const lines: (readonly PdfLine[])[] = [];
  let length = 0;
  let failed = 0;
  for (let number = 1; number <= pages && length < request.limits.maxTextLength; number++) {
    const page = await readPage(document, number).catch(() => undefined);
    if (page === undefined) failed += 1;
    lines.push(page ?? []);
    length += (page ?? []).reduce((sum, line) => sum + line.text.length, 0);
  }
  if (failed > 0 && failed === lines.length) throw new DocumentError("invalid_file", "No page of the PDF can be read.");
  if (lines.length < document.numPages) text.markTruncated();
  const outline = await readOutline(document);
  const sizes = findHeadingSizes(lines);
  for (const [i, page] of lines.entries()) {
    if (!text.startPage()) break;
    writePage(page, { sizes, outline: outline.get(i) ?? [] }, text);
  }
  return { title: await findTitle(document, text.headings[0]), pageCount: document.numPages };
};

async function openPdf(bytes: Uint8Array): Promise<{ document: PDFDocumentProxy } & AsyncDisposable> {
  const { getDocument } = await import("unpdf/pdfjs");
  const task = getDocument({
    // pdf.js takes the bytes over, and does not accept a Buffer.
    data: new Uint8Array(bytes),
    verbosity: ERRORS_ONLY,
    useSystemFonts: false,
    disableFontFace: true,
    useWasm: false,
    useWorkerFetch: false,
    BinaryDataFactory: CharacterMaps,
    cMapPacked: true,
    // Not used as an address, but required.
    cMapUrl: "cmaps/",
    maxImageSize: MAX_IMAGE_PIXELS,
    enableXfa: false,
  });
  try {
    const document = await task.promise;
    return { document, [Symbol.asyncDispose]: async () => await task.destroy() };
  } catch (cause) {
    await task.destroy().catch(() => {});
    if (cause instanceof Error && cause.name === "PasswordException")
      throw new DocumentError("encrypted_file", "The PDF is encrypted, and needs a password.", { cause });
    throw new DocumentError("invalid_file", "The PDF is damaged.", { cause });
  }
}

async function readPage(document: PDFDocumentProxy, number: number): Promise<PdfLine[]> {
  const page = await document.getPage(number);
  try {
    const { items } = await page.getTextContent();
    return readLines(items.filter(isText));
  } finally {
    page.cleanup();
  }
}

function isText(item: TextItem | TextMarkedContent): item is TextItem {
  return "str" in item;
}

/** Programs write their file's name as the title. */
const FILE_NAME = /\.(?:docx?|pptx?|xlsx?|tex|dvi|indd|qxd|pdf|md|html?|rtf)$|^untitled|^microsoft word - /i;

async function findTitle(
  document: PDFDocumentProxy,
  heading: { text: string; level: number } | undefined,
): Promise<FormatDetails["title"]> {
  const info: unknown = (await document.getMetadata().catch(() => undefined))?.info;
  const title = typeof info === "object" && info !== null && "Title" in info ? info.Title : undefined;
  const line = typeof title === "string" ? toOneLine(title) : "";
  if (line !== "" && !FILE_NAME.test(line)) return line;
  return heading?.text;
}
