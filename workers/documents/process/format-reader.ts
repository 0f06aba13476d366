/** The contract between the process and the reader of one kind of file. */
import type { HtmlDetails } from "../document.ts";
import type { RequestHead } from "../messages.ts";
import type { DocumentText } from "./document-text.ts";

export interface FormatDetails {
  title?: string | undefined;
  /** Number of pages, if it is not the number of pages in the text. */
  pageCount?: number | undefined;
  html?: HtmlDetails | undefined;
}

/** Writes the document's text. Throws a DocumentError, or any error if the document is damaged. */
export type FormatReader = (document: {
  bytes: Uint8Array;
  request: RequestHead;
  text: DocumentText;
}) => Promise<FormatDetails>;
