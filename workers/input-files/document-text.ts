/** The text of a document, for a model whose provider does not read such documents. */
import { recognizeType, SAMPLE_BYTES } from "../../src/files/content-type.ts";
import { type Document, DocumentError } from "../documents/document.ts";
import type { DocumentReader } from "../documents/document-reader.ts";
import { decodeData } from "./data-url.ts";
import { FilesUnavailableError, InputFileError } from "./input-file-error.ts";
import type { InputFile, InputPart } from "./map-parts.ts";

const PDF = "application/pdf";
/** Images are given as such, and texts are given as texts by every upstream. */
const GIVEN_AS_IS = /^(?:image|audio|video)\/|^text\/(?!html)|^application\/(?:json|jsonl|xml|yaml|javascript)$/;
/** Failures that are not the document's fault. */
const TEMPORARY: ReadonlySet<string> = new Set(["busy", "unavailable"]);

export interface TextOptions {
  takesPdf: boolean;
  project: string;
  signal: AbortSignal;
  documents: Pick<DocumentReader, "read">;
}

/** The part as it is if the provider takes it. */
export async function readAsText(
  part: InputFile,
  data: string,
  { takesPdf, project, signal, documents }: TextOptions,
): Promise<InputPart> {
  const decoded = decodeData(data);
  if (decoded === undefined) throw new InputFileError("invalid_prompt", "A 'file_data' is not encoded correctly.");
  const { bytes, mediaType } = decoded;
  const name = part.filename ?? undefined;
  const type = await recognizeType(bytes.subarray(0, SAMPLE_BYTES), name ?? "");
  if (GIVEN_AS_IS.test(type) || (takesPdf && type === PDF)) return part;
  try {
    const document = await documents.read(bytes, { project, signal, name, contentType: mediaType });
    return { type: "input_text", text: describeDocument(document, name ?? "file") };
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    if (TEMPORARY.has(error.code)) throw new FilesUnavailableError(error);
    throw new InputFileError(
      "invalid_prompt",
      `The file ${JSON.stringify(name ?? "file")} cannot be read. ${error.message}`,
      {
        cause: error,
      },
    );
  }
}

function describeDocument({ kind, text, pages, pageCount, isTruncated }: Document, name: string): string {
  const counted = pageCount === undefined ? "" : `, ${pageCount} pages`;
  const title = `The file ${JSON.stringify(name)} (${kind}${counted}) has this text:`;
  const body = text === "" ? "[The file has no text. It may consist of images.]" : markPages(text, pages ?? []);
  return [title, body, ...(isTruncated ? ["[The rest of the file is left out.]"] : [])].join("\n\n");
}

function markPages(text: string, pages: NonNullable<Document["pages"]>): string {
  if (pages.length === 0) return text;
  return pages.map(({ number, start, end }) => `[Page ${number}]\n${text.slice(start, end).trim()}`).join("\n\n");
}
