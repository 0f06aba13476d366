/** Recognizes what the bytes of a file are. Clients name a type or an extension, and either may be wrong. */
import { fileTypeFromBuffer } from "file-type";

/** Bytes at the beginning of a file that are examined. Few, because an API process does it. */
export const SAMPLE_BYTES = 16 * 1024;

export const UNKNOWN_TYPE = "application/octet-stream";
const PLAIN_TEXT = "text/plain";

/** Texts look alike, so the name decides between them. */
const TEXT_TYPES: Readonly<Record<string, string>> = {
  css: "text/css",
  csv: "text/csv",
  htm: "text/html",
  html: "text/html",
  js: "text/javascript",
  json: "application/json",
  jsonl: "application/jsonl",
  markdown: "text/markdown",
  md: "text/markdown",
  mjs: "text/javascript",
  svg: "image/svg+xml",
  tsv: "text/tab-separated-values",
  xhtml: "application/xhtml+xml",
  xml: "application/xml",
  yaml: "application/yaml",
  yml: "application/yaml",
};

/** Archives of one format, whose content may be behind the sample. */
const ARCHIVE_TYPES: Readonly<Record<string, string>> = {
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  epub: "application/epub+zip",
  odp: "application/vnd.oasis.opendocument.presentation",
  ods: "application/vnd.oasis.opendocument.spreadsheet",
  odt: "application/vnd.oasis.opendocument.text",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
};

/** `sample`: the first `SAMPLE_BYTES` of the file, or all. `name`: its safe name. */
export async function recognizeType(sample: Uint8Array, name: string): Promise<string> {
  const extension = /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  const found = await fileTypeFromBuffer(sample).catch(() => undefined);
  if (found === undefined) return isText(sample) ? (TEXT_TYPES[extension] ?? PLAIN_TEXT) : UNKNOWN_TYPE;
  if (found.mime === "application/zip") return ARCHIVE_TYPES[extension] ?? found.mime;
  if (found.mime === "application/xml") return TEXT_TYPES[extension] ?? found.mime;
  return found.mime;
}

/** UTF-8 without control characters that no text has. The sample may end within a character. */
function isText(sample: Uint8Array): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(sample, { stream: true });
    // eslint-disable-next-line no-control-regex -- these characters are what tells bytes from text
    return !/[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text);
  } catch {
    return false;
  }
}
