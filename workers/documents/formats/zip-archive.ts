/**
 * The parts of a file that is a zip archive: a document of Office or an EPUB. Only named parts are unpacked, and together
 * they are limited in size. fflate unpacks a part into a buffer of its declared size, so a wrong size cannot exceed it.
 */
import { unzipSync } from "fflate";
import { DocumentError } from "../document.ts";

const MAX_ENTRIES = 20_000;

export class ZipArchive {
  readonly #bytes: Uint8Array;
  readonly #sizes = new Map<string, number>();
  readonly #parts = new Map<string, Uint8Array>();
  #bytesLeft: number;

  /** Throws a DocumentError for an archive that is damaged or too large. */
  constructor(bytes: Uint8Array, maxUnpackedBytes: number) {
    this.#bytes = bytes;
    this.#bytesLeft = maxUnpackedBytes;
    if (hasEncryptedEntries(bytes)) throw new DocumentError("encrypted_file", "The file is protected by a password.");
    this.#unzip(({ name, originalSize }) => {
      if (this.#sizes.size >= MAX_ENTRIES) throw tooLarge();
      this.#sizes.set(name, originalSize);
      return false;
    });
  }

  has(name: string): boolean {
    return this.#sizes.has(name);
  }

  get names(): Iterable<string> {
    return this.#sizes.keys();
  }

  /** Sum of the declared sizes of all parts. */
  get unpackedBytes(): number {
    return this.#sizes.values().reduce((sum, size) => sum + size, 0);
  }

  /** Unpacks parts in one pass. Names without a part are ignored. */
  load(names: Iterable<string>): void {
    const wanted = new Set(names);
    this.#unzip(({ name, originalSize }) => {
      if (!wanted.delete(name) || this.#parts.has(name)) return false;
      this.#bytesLeft -= originalSize;
      if (this.#bytesLeft < 0) throw tooLarge();
      return true;
    });
  }

  /** The part's bytes, once: its memory is then free. Undefined if there is no such part. */
  take(name: string): Uint8Array | undefined {
    if (!this.#parts.has(name)) this.load([name]);
    const part = this.#parts.get(name);
    this.#parts.delete(name);
    return part;
  }

  /** Throws a DocumentError if there is no such part. */
  takeRequired(name: string): Uint8Array {
    const part = this.take(name);
    if (part === undefined) throw new DocumentError("invalid_file", `The file is damaged: it has no ${name}.`);
    return part;
  }

  #unzip(filter: NonNullable<Parameters<typeof unzipSync>[1]>["filter"]): void {
    try {
      const parts = unzipSync(this.#bytes, filter === undefined ? {} : { filter });
      for (const [name, bytes] of Object.entries(parts)) this.#parts.set(name, bytes);
    } catch (error) {
      if (error instanceof DocumentError) throw error;
      throw new DocumentError("invalid_file", "The file is damaged: it is not a whole archive.", { cause: error });
    }
  }
}

function tooLarge(): DocumentError {
  return new DocumentError("too_large", "The file is too large when it is unpacked.");
}

const CENTRAL_HEADER = Buffer.from([0x50, 0x4b, 0x01, 0x02]);
const FLAGS_OFFSET = 8;
const IS_ENCRYPTED = 1;

/** Whether the last entry of the directory is encrypted (APPNOTE.TXT §4.3.12 and §4.4.4). */
function hasEncryptedEntries(bytes: Uint8Array): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = view.lastIndexOf(CENTRAL_HEADER);
  return at >= 0 && at + FLAGS_OFFSET + 2 <= view.length && (view.readUInt16LE(at + FLAGS_OFFSET) & IS_ENCRYPTED) !== 0;
}
