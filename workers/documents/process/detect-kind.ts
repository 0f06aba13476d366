/**
 * Recognizes what a file is. Its content decides. Its name and the content type that someone claims only tell apart kinds
 * of text, which the content cannot: Markdown, code, plain text.
 */
import { fileTypeFromBuffer } from "file-type";
import { decodeText } from "../decode-text.ts";
import { DocumentError, type DocumentKind } from "../document.ts";

export type DetectedFile =
  | { kind: Extract<DocumentKind, "pdf" | "docx" | "pptx" | "xlsx" | "epub" | "html">; text?: undefined }
  | { kind: Exclude<DocumentKind, "pdf" | "docx" | "pptx" | "xlsx" | "epub" | "html">; text: string };

export interface FileClaims {
  name: string | undefined;
  contentType: string | undefined;
  charset: string | undefined;
}

const BINARY_KINDS: Readonly<Record<string, "pdf" | "docx" | "pptx" | "xlsx" | "epub">> = {
  pdf: "pdf",
  docx: "docx",
  docm: "docx",
  dotx: "docx",
  dotm: "docx",
  pptx: "pptx",
  pptm: "pptx",
  potx: "pptx",
  potm: "pptx",
  ppsx: "pptx",
  ppsm: "pptx",
  xlsx: "xlsx",
  xlsm: "xlsx",
  xltx: "xlsx",
  xltm: "xlsx",
  epub: "epub",
};

/** PDF readers accept bytes before the header (ISO 32000-2, Annex I). */
const PDF_HEADER_RANGE = 1_024;
/** What Office writes instead of a package if it is protected by a password ([MS-OFFCRYPTO] §2.3.4.4). */
const ENCRYPTED_PACKAGE = Buffer.from("EncryptedPackage", "utf16le");
const SNIFFED_BYTES = 1_024;
const SAMPLE_LENGTH = 65_536;
/** Share of control characters that no text has. */
const MAX_CONTROL_SHARE = 0.02;

export async function detectFile(bytes: Uint8Array, claims: FileClaims): Promise<DetectedFile> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.subarray(0, PDF_HEADER_RANGE).includes("%PDF-")) return { kind: "pdf" };
  const found = await fileTypeFromBuffer(bytes).catch(() => undefined);
  const kind = found === undefined ? undefined : BINARY_KINDS[found.ext];
  if (kind !== undefined) return { kind };
  if (found?.ext === "cfb") throw describeCompoundFile(view);
  if (found !== undefined && !isTextType(found.mime) && !isPlainText(view)) throw unsupported(found.mime);
  if (isHtml(view, claims)) return { kind: "html" };
  const text = decodeText(bytes, claims.charset);
  if (text === undefined || isBinary(text)) throw unsupported(undefined);
  return { kind: detectTextKind(text, claims), text };
}

function isTextType(mime: string): boolean {
  return mime.startsWith("text/") || /(?:[/+])(?:xml|json)$/.test(mime);
}

/** Some types have two letters at their start, such as `BM`, and so may any text. */
function isPlainText(bytes: Buffer): boolean {
  try {
    const start = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, SAMPLE_LENGTH), { stream: true });
    return !start.includes("\0") && !isBinary(start);
  } catch {
    return false;
  }
}

function describeCompoundFile(bytes: Buffer): DocumentError {
  if (bytes.includes(ENCRYPTED_PACKAGE))
    return new DocumentError("encrypted_file", "The file is protected by a password.");
  return new DocumentError(
    "unsupported_file",
    "The file has the format of Office before 2007, which cannot be read. Save it as .docx, .pptx or .xlsx.",
  );
}

function unsupported(mime: string | undefined): DocumentError {
  const type = mime === undefined ? "" : `of type ${mime}, `;
  return new DocumentError(
    "unsupported_file",
    `The file is ${type}${type === "" ? "binary, and " : "which "}cannot be read as text.`,
  );
}

function isHtml(bytes: Buffer, { name, contentType }: FileClaims): boolean {
  const start = bytes
    .toString("latin1", 0, SNIFFED_BYTES)
    .replaceAll("\0", "")
    .replace(/^[\s\u00ef\u00bb\u00bf\u00fe\u00ff]+/, "");
  if (/^(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body)[\s>]/is.test(start)) return true;
  if (/^<\?xml[^>]*>\s*(?:<!doctype html|<html)[\s>]/i.test(start)) return true;
  const isClaimed =
    contentType === "text/html" || contentType === "application/xhtml+xml" || /\.x?html?$/i.test(name ?? "");
  return isClaimed && (contentType !== undefined || /<[a-z!/]/i.test(start));
}

/** Control characters except those that format text. */
function isBinary(text: string): boolean {
  const start = text.slice(0, SAMPLE_LENGTH);
  // oxlint-disable-next-line no-control-regex -- they are what it counts
  const controls = start.match(/[\u0001-\u0008\u000e-\u001a\u001c-\u001f]/g)?.length ?? 0;
  return controls > start.length * MAX_CONTROL_SHARE;
}

const CODE_EXTENSIONS =
  /\.(?:[ch]|[ch]pp|cc|cs|css|scss|cjs|mjs|js|jsx|ts|tsx|mts|cts|py|rb|go|rs|java|kt|kts|scala|swift|m|mm|php|pl|pm|lua|r|jl|sh|bash|zsh|fish|ps1|bat|sql|vue|svelte|dart|ex|exs|erl|hs|clj|lisp|scm|ml|fs|vb|asm|s|tex|xml|svg|yaml|yml|toml|ini|cfg|conf|env|gradle|cmake|proto|graphql|tf|ipynb|diff|patch)$/i;
const CODE_TYPES =
  /^(?:text\/(?:javascript|css|xml|x-.+)|application\/(?:javascript|ecmascript|xml|yaml|x-yaml|toml|x-sh|sql|typescript)|.+\+xml|.+\+yaml)$/;
const CSV_TYPES: ReadonlySet<string> = new Set(["text/csv", "text/tab-separated-values", "application/csv"]);

function detectTextKind(
  text: string,
  { name = "", contentType = "" }: FileClaims,
): Exclude<DocumentKind, "pdf" | "docx" | "pptx" | "xlsx" | "epub" | "html"> {
  if (/\.(?:md|markdown|mdx|mdown)$/i.test(name) || /^text\/(?:x-)?markdown$/.test(contentType)) return "markdown";
  if (/\.(?:csv|tsv|tab)$/i.test(name) || CSV_TYPES.has(contentType)) return "csv";
  if (/\.(?:json|jsonl|ndjson|geojson)$/i.test(name) || /[/+](?:json|x-ndjson)$/.test(contentType)) return "json";
  return CODE_EXTENSIONS.test(name) || CODE_TYPES.test(contentType) ? "code" : "text";
}
