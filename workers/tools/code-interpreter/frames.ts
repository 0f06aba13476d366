/**
 * The protocol between a worker and an interpreter's process: frames over stdin and stdout, each with a length, a kind
 * and a payload. Both sides import only this file.
 *
 * The worker sends `begin` once, then one `run` at a time. The interpreter sends `ready` once, any number of `logs`
 * during a run, and exactly one `result` at its end.
 */
export const FRAME_KINDS = ["ready", "begin", "run", "logs", "result"] as const;
export type FrameKind = (typeof FRAME_KINDS)[number];

export interface Frame {
  kind: FrameKind;
  payload: Buffer;
}

export const HEADER_BYTES = 5;

export class FrameError extends Error {
  override readonly name = "FrameError";
}

export function encodeFrame(kind: FrameKind, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(payload.length, 0);
  header.writeUInt8(FRAME_KINDS.indexOf(kind), 4);
  return Buffer.concat([header, payload]);
}

export function decodeHeader(header: Buffer): { kind: FrameKind; length: number } {
  const kind = FRAME_KINDS[header.readUInt8(4)];
  if (kind === undefined) throw new FrameError("A frame of an unknown kind.");
  return { kind, length: header.readUInt32BE(0) };
}

/** Splits a stream of bytes into frames, and buffers at most one frame of the maximum size. */
export class FrameReader {
  readonly #maxPayloadBytes: number;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(maxPayloadBytes: number) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Yields complete frames. Throws a FrameError for a frame that is too large or of an unknown kind. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length >= HEADER_BYTES) {
      const { kind, length } = decodeHeader(this.#join(HEADER_BYTES));
      if (length > this.#maxPayloadBytes) throw new FrameError("A frame that is too large.");
      const end = HEADER_BYTES + length;
      if (this.#length < end) return;
      const held = this.#join(end);
      this.#chunks[0] = held.subarray(end);
      this.#length -= end;
      yield { kind, payload: held.subarray(HEADER_BYTES, end) };
    }
  }

  /**
   * The first chunk, once it has `length` bytes. Chunks are joined only when necessary, so that a large frame is copied
   * twice at most.
   */
  #join(length: number): Buffer {
    if (this.#chunks[0]!.length < length) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!;
  }
}
