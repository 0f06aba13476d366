/** The limits of reading one document. Each has a named failure (document.ts), or truncates the text. */
export interface DocumentLimits {
  /** Size of the file. */
  maxBytes: number;
  /** Length of the text. The rest is left out. */
  maxTextLength: number;
  /** Pages, slides, sheets or chapters that are read. The rest is left out. */
  maxPages: number;
  /** Unpacked size of all parts of a file that is an archive. */
  maxUnpackedBytes: number;
  /** Timeout of one document, once it has a process. */
  timeoutMs: number;
  /** Memory of V8 in a process. */
  heapMb: number;
  /** Memory of the whole process. */
  processMb: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_DOCUMENT_LIMITS: DocumentLimits = {
  maxBytes: 64 * MIB,
  maxTextLength: 10_000_000,
  maxPages: 5_000,
  maxUnpackedBytes: 256 * MIB,
  timeoutMs: 60_000,
  heapMb: 512,
  processMb: 1_024,
};

/** What the process may answer beside the text. */
export const MAX_HEADINGS = 5_000;
export const MAX_HEADING_LENGTH = 200;
