/** Writes a table of separated values with one row per line. The separator is found, as spreadsheets write several. */
import Papa from "papaparse";
import type { DocumentText } from "../process/document-text.ts";
import { joinCells } from "./table-row.ts";

export function writeCsv(content: string, text: DocumentText): void {
  Papa.parse<string[]>(content, {
    skipEmptyLines: "greedy",
    step: ({ data }, parser) => {
      text.writeLine(joinCells(data));
      if (text.isFull) parser.abort();
    },
  });
}
