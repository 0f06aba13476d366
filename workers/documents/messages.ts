/**
 * The protocol between a worker and a document's process, over stdin and stdout: messages with a JSON head and a body.
 * The head's length comes first, and the head has the length of the body. Both sides import this file.
 *
 * The process sends `ready` once. Then the worker sends one request at a time, whose body is the document, and the
 * process sends one answer, whose body is the text.
 */
import type { DocumentFailure, DocumentKind, HtmlDetails, DocumentHeading } from "./document.ts";
import type { DocumentLimits } from "./document-limits.ts";

export interface RequestHead {
  bytes: number;
  name: string | undefined;
  contentType: string | undefined;
  charset: string | undefined;
  /** The URL of a web page, against which its links are resolved. */
  url: string | undefined;
  limits: DocumentLimits;
}

export interface DocumentHead {
  kind: DocumentKind;
  title: string | undefined;
  pageStarts: number[] | undefined;
  pageCount: number | undefined;
  headings: DocumentHeading[];
  isTruncated: boolean;
  html: HtmlDetails | undefined;
}

export type AnswerHead =
  | { type: "ready"; bytes: 0 }
  | { type: "failed"; bytes: 0; code: DocumentFailure; message: string; cause: string | undefined }
  | { type: "document"; bytes: number; document: DocumentHead };

const LENGTH_BYTES = 4;

export class MessageError extends Error {
  override readonly name = "MessageError";
}

export function encodeHead(head: RequestHead | AnswerHead): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json]);
}

export type MessagePart = { kind: "head"; head: unknown } | { kind: "body"; chunk: Buffer } | { kind: "end" };

/** Splits a stream of bytes into messages. It buffers heads only. */
export class MessageReader {
  readonly #maxHeadBytes: number;
  readonly #maxBodyBytes: number;
  #held = Buffer.alloc(0);
  #bodyLeft: number | undefined;

  constructor({ maxHeadBytes, maxBodyBytes }: { maxHeadBytes: number; maxBodyBytes: number }) {
    this.#maxHeadBytes = maxHeadBytes;
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Throws a MessageError for a message that is too large or not valid. */
  *push(chunk: Buffer): Generator<MessagePart> {
    let rest = chunk;
    while (rest.length > 0 || this.#bodyLeft === 0) {
      if (this.#bodyLeft === undefined) {
        const head = this.#takeHead(rest);
        if (head === undefined) return;
        rest = this.#held;
        this.#held = Buffer.alloc(0);
        yield { kind: "head", head };
      } else if (this.#bodyLeft === 0) {
        this.#bodyLeft = undefined;
        yield { kind: "end" };
      } else {
        const body = rest.subarray(0, this.#bodyLeft);
        rest = rest.subarray(body.length);
        this.#bodyLeft -= body.length;
        yield { kind: "body", chunk: body };
      }
    }
  }

  /** Leaves what follows the head in `#held`. Undefined if the head is not complete. */
  #takeHead(chunk: Buffer): unknown {
    this.#held = Buffer.concat([this.#held, chunk]);
    if (this.#held.length < LENGTH_BYTES) return undefined;
    const length = this.#held.readUInt32BE(0);
    if (length > this.#maxHeadBytes) throw new MessageError("A head that is too large.");
    const end = LENGTH_BYTES + length;
    if (this.#held.length < end) return undefined;
    const head: unknown = JSON.parse(this.#held.toString("utf8", LENGTH_BYTES, end));
    this.#bodyLeft = readBodyLength(head);
    if (this.#bodyLeft > this.#maxBodyBytes) throw new MessageError("A body that is too large.");
    this.#held = this.#held.subarray(end);
    return head;
  }
}

function readBodyLength(head: unknown): number {
  const bytes = typeof head === "object" && head !== null && "bytes" in head ? head.bytes : undefined;
  if (typeof bytes !== "number" || !Number.isSafeInteger(bytes) || bytes < 0)
    throw new MessageError("A head without its length.");
  return bytes;
}
