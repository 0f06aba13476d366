/** Writes a table of separated values with one row per line. The separator is found, as spreadsheets write several. */
import Papa from "papaparse";
import type { DocumentText } from "../process/document-text.ts";
import { joinCells } from "./table-row.ts";

/** Characters that are parsed at a time. A call per row would take most of the time. */
const CHUNK_LENGTH = 1024 * 1024;

export function writeCsv(content: string, text: DocumentText): void {
  Papa.parse<string[]>(content, {
    skipEmptyLines: "greedy",
    chunkSize: CHUNK_LENGTH,
    chunk: ({ data }: Papa.ParseResult<string[]>, parser: Papa.Parser) => {
      for (const row of data) text.writeLine(joinCells(row));
      if (text.isFull) parser.abort();
    },
    // The types require it where there are chunks.
    complete: () => {},
  });
}
