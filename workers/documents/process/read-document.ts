/** Reads one document: recognizes its kind, and lets the reader of the kind write its text. */
import type { DocumentKind } from "../document.ts";
import type { DocumentHead, RequestHead } from "../messages.ts";
import { detectFile, type DetectedFile } from "./detect-kind.ts";
import { DocumentText } from "./document-text.ts";
import type { FormatDetails, FormatReader } from "./format-reader.ts";

/** Loaded when needed, because a library takes a while. */
const READERS: Record<Extract<DetectedFile, { text?: undefined }>["kind"], () => Promise<FormatReader>> = {
  pdf: async () => (await import("../formats/pdf.ts")).readPdf,
  docx: async () => (await import("../formats/docx.ts")).readDocx,
  pptx: async () => (await import("../formats/pptx.ts")).readPptx,
  xlsx: async () => (await import("../formats/xlsx.ts")).readXlsx,
  epub: async () => (await import("../formats/epub.ts")).readEpub,
  html: async () => (await import("../formats/html.ts")).readHtml,
};

/** Throws a DocumentError, or any error of a library if the document is damaged. */
export async function readDocument(bytes: Uint8Array, request: RequestHead): Promise<DocumentHead & { text: string }> {
  const file = await detectFile(bytes, request);
  const text = new DocumentText(request.limits);
  const details = await write(file, { bytes, request, text });
  return {
    kind: file.kind,
    title: details.title,
    text: text.text,
    pageStarts: text.pageStarts,
    pageCount: details.pageCount ?? text.pageStarts?.length,
    headings: text.headings,
    isTruncated: text.isTruncated,
    html: details.html,
  };
}

async function write(file: DetectedFile, document: Parameters<FormatReader>[0]): Promise<FormatDetails> {
  if (file.text === undefined) return await (await READERS[file.kind]())(document);
  return await writeText(file.kind, file.text, document.text);
}

async function writeText(kind: DocumentKind, content: string, text: DocumentText): Promise<FormatDetails> {
  if (kind === "csv") (await import("../formats/csv.ts")).writeCsv(content, text);
  else if (kind === "json") (await import("../formats/json.ts")).writeJson(content, text);
  else if (kind === "markdown") text.writeMarkdown(normalizeLineEnds(content));
  else text.writeBlock(normalizeLineEnds(content));
  return { title: kind === "markdown" ? text.headings.find(({ level }) => level === 1)?.text : undefined };
}

function normalizeLineEnds(text: string): string {
  return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
}
