/** Writes messages in the wire format of https://protobuf.dev/programming-guides/encoding/ into one growing buffer. */

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const MAX_VARINT_BYTES = 10;
const MAX_UTF8_BYTES = 3;
const TWO_32 = 2 ** 32;
const NS_PER_US = 1_000;
const US_PER_MS = 1_000;

/** Up to here a length is one byte, and a loop is faster than a call of the runtime's encoder. */
const MAX_SHORT = 127;
const LAST_ASCII = 127;

export class ProtobufWriter {
  #bytes: Buffer;
  #end = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  /** In memory that the writer uses again after `clear`. */
  written(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  clear(): void {
    this.#end = 0;
  }

  /** Leaves a gap for what is known at last. */
  skip(bytes: number): void {
    this.#reserve(bytes);
    this.#end += bytes;
  }

  string(field: number, text: string): void {
    this.#reserve(2 * MAX_VARINT_BYTES + MAX_UTF8_BYTES * text.length);
    this.#tag(field, LENGTH_DELIMITED);
    if (text.length <= MAX_SHORT && this.#writeShort(text)) return;
    this.#varint(Buffer.byteLength(text));
    this.#end += this.#bytes.write(text, this.#end);
  }

  /** False, with nothing written, if a character is not ASCII. */
  #writeShort(text: string): boolean {
    const bytes = this.#bytes;
    let at = this.#end + 1;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code > LAST_ASCII) return false;
      bytes[at] = code;
      at += 1;
    }
    bytes[this.#end] = text.length;
    this.#end = at;
    return true;
  }

  /** Of an id in hexadecimal. */
  hex(field: number, id: string): void {
    this.#reserve(2 * MAX_VARINT_BYTES + id.length);
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(id.length / 2);
    this.#end += this.#bytes.write(id, this.#end, "hex");
  }

  /** A whole number from 0 to `Number.MAX_SAFE_INTEGER`. */
  integer(field: number, value: number): void {
    this.#reserve(2 * MAX_VARINT_BYTES);
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  double(field: number, value: number): void {
    this.#reserve(2 * MAX_VARINT_BYTES);
    this.#tag(field, FIXED64);
    this.#end = this.#bytes.writeDoubleLE(value, this.#end);
  }

  fixed32(field: number, value: number): void {
    this.#reserve(2 * MAX_VARINT_BYTES);
    this.#tag(field, FIXED32);
    this.#end = this.#bytes.writeUInt32LE(value, this.#end);
  }

  /** Milliseconds since 1970 as nanoseconds, to the microsecond. A number cannot hold them, so they are written in halves. */
  time(field: number, ms: number): void {
    this.#reserve(2 * MAX_VARINT_BYTES);
    this.#tag(field, FIXED64);
    const us = Math.round(ms * US_PER_MS);
    const low = (us % TWO_32) * NS_PER_US;
    const high = Math.floor(us / TWO_32) * NS_PER_US + Math.floor(low / TWO_32);
    this.#bytes.writeUInt32LE(low % TWO_32, this.#end);
    this.#end = this.#bytes.writeUInt32LE(high, this.#end + 4);
  }

  /** Tag and length of a message, without its content. */
  header(field: number, length: number): void {
    this.#reserve(2 * MAX_VARINT_BYTES);
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(length);
  }

  /** Begins a message within this one; `close` needs the result. */
  open(field: number): number {
    this.#reserve(2 * MAX_VARINT_BYTES);
    this.#tag(field, LENGTH_DELIMITED);
    this.#end += 1;
    return this.#end;
  }

  close(start: number): void {
    const length = this.#end - start;
    if (length <= MAX_SHORT) {
      this.#bytes[start - 1] = length;
      return;
    }
    // The length takes more than the one byte that `open` left for it.
    const shift = varintBytes(length) - 1;
    this.#reserve(shift);
    this.#bytes.copyWithin(start + shift, start, this.#end);
    this.#end = start - 1;
    this.#varint(length);
    this.#end += length;
  }

  #tag(field: number, type: number): void {
    this.#varint(field * 8 + type);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > LAST_ASCII) {
      this.#bytes[this.#end] = (rest % 128) + 128;
      this.#end += 1;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#end] = rest;
    this.#end += 1;
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > LAST_ASCII; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}
