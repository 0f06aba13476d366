/** The types of pdf.js that readers of PDFs use. */
import type { getDocument } from "unpdf/pdfjs";

export type PDFDocumentProxy = Awaited<ReturnType<typeof getDocument>["promise"]>;
type PDFPageProxy = Awaited<ReturnType<PDFDocumentProxy["getPage"]>>;
type AnyItem = Awaited<ReturnType<PDFPageProxy["getTextContent"]>>["items"][number];
export type TextItem = Extract<AnyItem, { str: string }>;
export type TextMarkedContent = Exclude<AnyItem, { str: string }>;
