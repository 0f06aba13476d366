/** A document as text, and the ways in which reading one fails. */

/** Recognized by content. The name and the content type only tell apart kinds of text. */
export const DOCUMENT_KINDS = [
  "text",
  "markdown",
  "html",
  "csv",
  "json",
  "code",
  "pdf",
  "docx",
  "pptx",
  "xlsx",
  "epub",
] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

export interface Document {
  kind: DocumentKind;
  /** One line. Undefined if the document names none. */
  title: string | undefined;
  /** Headings, lists and tables as in Markdown. Empty if the document has no text, such as a scan. */
  text: string;
  /** The pages of a PDF or the slides of a presentation, whose positions in the text are known. Else undefined. */
  pages: readonly DocumentPage[] | undefined;
  /** Number of pages of the document, of which `pages` may have fewer. */
  pageCount: number | undefined;
  /** In the order of the text. */
  headings: readonly DocumentHeading[];
  /** Whether the text ends before the document. */
  isTruncated: boolean;
  /** Only for HTML. */
  html: HtmlDetails | undefined;
}

/** `text.slice(start, end)` is the page's text. */
export interface DocumentPage {
  /** Starts at 1. */
  number: number;
  start: number;
  end: number;
}

export interface DocumentHeading {
  /** 1 is the highest, 6 the lowest. */
  level: number;
  text: string;
  /** The position of its line in the document's text. */
  start: number;
}

export interface HtmlDetails {
  published?: string | undefined;
  /** The target of an immediate refresh. */
  refresh?: string | undefined;
  /** The page's canonical URL, if it is on the same site. */
  canonical?: string | undefined;
  /** Whether the page has no text of its own, and scripts that may create it. */
  isMadeByScripts?: boolean | undefined;
}

/** The first four are the file's fault, and a retry does not help. */
export const DOCUMENT_FAILURES = [
  "unsupported_file",
  "encrypted_file",
  "invalid_file",
  "too_large",
  "timed_out",
  "busy",
  "unavailable",
] as const;
export type DocumentFailure = (typeof DOCUMENT_FAILURES)[number];

/** The message is for a client or a model. `cause` is for the operator. */
export class DocumentError extends Error {
  override readonly name = "DocumentError";
  readonly code: DocumentFailure;
  constructor(code: DocumentFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The page that has the position in the text. Undefined if the document has no pages. */
export function findPage({ pages }: Pick<Document, "pages">, position: number): DocumentPage | undefined {
  return pages?.findLast(({ start }) => start <= position) ?? pages?.[0];
}
