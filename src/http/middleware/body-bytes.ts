/**
 * The bytes of a body as they arrive. A large body is collected in one growing block of memory, which is released as soon
 * as it is read. Left to the garbage collector, the block and its chunks would stay for as long as the request.
 */

/** Smaller bodies stay in chunks; one that arrives in a single chunk is not copied. */
const MAX_CHUNKED_BYTES = 64 * 1024;

export class BodyBytes {
  #chunks: Buffer[] = [];
  #block: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(chunk: Buffer): void {
    if (this.#block === undefined && this.#length + chunk.length <= MAX_CHUNKED_BYTES) this.#chunks.push(chunk);
    else this.#append(chunk);
    this.#length += chunk.length;
  }

  /** Call once, after the last chunk. */
  toBuffer(): Buffer {
    if (this.#block !== undefined) return Buffer.from(this.#block.buffer, 0, this.#length);
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#length);
  }

  #append(chunk: Buffer): void {
    const needed = this.#length + chunk.length;
    if (this.#block === undefined) {
      this.#block = new Uint8Array(Math.max(needed, 4 * MAX_CHUNKED_BYTES));
      let end = 0;
      for (const each of this.#chunks) {
        this.#block.set(each, end);
        end += each.length;
      }
      this.#chunks = [];
    } else if (needed > this.#block.length) {
      // `transfer` moves the memory, so two copies exist only during the move.
      this.#block = new Uint8Array(this.#block.buffer.transfer(Math.max(needed, Math.ceil(this.#block.length * 1.5))));
    }
    this.#block.set(chunk, this.#length);
  }
}

/** Releases the memory of a large body at once. The bytes must not be read afterwards. */
export function releaseBytes(bytes: Buffer): void {
  const { buffer } = bytes;
  // A small buffer may share its memory with others.
  if (bytes.length > MAX_CHUNKED_BYTES && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
