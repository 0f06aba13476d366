/**
 * Adobe's character maps, which old PDFs of Chinese, Japanese and Korean name instead of including them. `cmaps.zip` has
 * the files of the folder `cmaps` of `pdfjs-dist` 6.5.438, with their licence. unpdf leaves them out.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ZipArchive } from "./zip-archive.ts";

let maps: ZipArchive | undefined;

/** pdf.js makes one for each document. */
export class CharacterMaps {
  /** Rejects if there is no such map; pdf.js reads the text without it. */
  // oxlint-disable-next-line typescript/require-await -- the contract of pdf.js is asynchronous
  async fetch({ filename }: { filename: string }): Promise<Uint8Array> {
    maps ??= new ZipArchive(readFileSync(join(import.meta.dirname, "cmaps.zip")), Number.POSITIVE_INFINITY);
    return maps.takeRequired(filename);
  }
}
