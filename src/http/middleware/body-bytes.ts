/**
 * Bytes of a body as they come. Those of a large one are put together in one piece of memory, which grows, and are given
 * back as soon as they are read: a garbage collector that has no reason to run would keep them for as long as the request
 * takes, and their chunks besides.
 */

/** Below this the chunks are kept, and a body that came in one chunk is that chunk. */
const MAX_CHUNKED_BYTES = 64 * 1024;

export class BodyBytes {
  #chunks: Buffer[] = [];
  #whole: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(chunk: Buffer): void {
    if (this.#whole === undefined && this.#length + chunk.length <= MAX_CHUNKED_BYTES) this.#chunks.push(chunk);
    else this.#append(chunk);
    this.#length += chunk.length;
  }

  /** After the last. */
  toBuffer(): Buffer {
    if (this.#whole !== undefined) return Buffer.from(this.#whole.buffer, 0, this.#length);
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#length);
  }

  #append(chunk: Buffer): void {
    const needed = this.#length + chunk.length;
    if (this.#whole === undefined) {
      this.#whole = new Uint8Array(Math.max(needed, 4 * MAX_CHUNKED_BYTES));
      let end = 0;
      for (const each of this.#chunks) {
        this.#whole.set(each, end);
        end += each.length;
      }
      this.#chunks = [];
    } else if (needed > this.#whole.length) {
      // The memory moves; it is never there twice for longer than the move.
      this.#whole = new Uint8Array(this.#whole.buffer.transfer(Math.max(needed, Math.ceil(this.#whole.length * 1.5))));
    }
    this.#whole.set(chunk, this.#length);
  }
}

/** Gives the memory of a large body back at once. Nobody may read the bytes afterwards. */
export function releaseBytes(bytes: Buffer): void {
  const { buffer } = bytes;
  // A small one may be a part of what others use.
  if (bytes.length > MAX_CHUNKED_BYTES && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
