/**
 * Reads workbooks of Excel: each sheet under its name, each row as a line. The cells are read as they come, so that a
 * sheet costs what it contains and not what it spans.
 */
import { DocumentError } from "../document.ts";
import type { DocumentText } from "../process/document-text.ts";
import type { FormatReader } from "../process/format-reader.ts";
import { readCoreTitle } from "./core-properties.ts";
import { findMainPart, readRelationships } from "./relationships.ts";
import { formatDate, readDateStyles } from "./spreadsheet-dates.ts";
import { joinCells } from "./table-row.ts";
import { readXml } from "./xml-events.ts";
import { ZipArchive } from "./zip-archive.ts";

interface Workbook {
  sheets: { name: string; part: string }[];
  usesDatesFrom1904: boolean;
  strings: readonly string[];
  /** By the index of a cell's style, whether it shows a date. */
  dateStyles: readonly boolean[];
}

// oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
export const readXlsx: FormatReader = async ({ bytes, request, text }) => {
  const { limits } = request;
  const archive = new ZipArchive(bytes, limits.maxUnpackedBytes);
  const workbook = readWorkbook(archive);
  for (const [i, { name, part }] of workbook.sheets.entries()) {
    if (text.isFull || i >= limits.maxPages) {
      text.markTruncated();
      break;
    }
    text.writeHeading(1, name);
    writeSheet(archive.takeRequired(part), workbook, text);
  }
  return { title: readCoreTitle(archive) };
};

function readWorkbook(archive: ZipArchive): Workbook {
  const main = findMainPart(archive, "xl/workbook.xml");
  const relationships = readRelationships(archive, main);
  const findPart = (type: string) => relationships.values().find((each) => each.type === type)?.target;
  const sheets: Workbook["sheets"] = [];
  let usesDatesFrom1904 = false;
  readXml(archive.takeRequired(main), {
    open: ({ name, attributes }) => {
      if (name === "workbookPr") usesDatesFrom1904 = isTrue(attributes["date1904"]);
      const sheet = name === "sheet" ? relationships.get(attributes["r:id"] ?? "") : undefined;
      // Sheets of charts and dialogs have no cells.
      if (sheet?.type === "worksheet" && archive.has(sheet.target))
        sheets.push({ name: attributes["name"] ?? "", part: sheet.target });
    },
  });
  const strings = archive.take(findPart("sharedStrings") ?? "");
  const styles = archive.take(findPart("styles") ?? "");
  return {
    sheets,
    usesDatesFrom1904,
    strings: strings === undefined ? [] : readStrings(strings),
    dateStyles: styles === undefined ? [] : readDateStyles(styles),
  };
}

function isTrue(value: string | undefined): boolean {
  return value === "1" || value === "true";
}

/** Without the pronunciation of East Asian text (`rPh`). */
function readStrings(part: Uint8Array): string[] {
  const strings: string[] = [];
  let current = "";
  let isText = false;
  let isPronunciation = false;
  readXml(part, {
    open: ({ name }) => {
      if (name === "si") current = "";
      if (name === "rPh") isPronunciation = true;
      isText = name === "t" && !isPronunciation;
    },
    text: (text) => {
      if (isText) current += text;
    },
    close: (name) => {
      isText = false;
      if (name === "rPh") isPronunciation = false;
      if (name === "si") strings.push(current);
    },
  });
  return strings;
}

/** Maximum empty cells that are written before a cell, so that the columns of usual tables line up. */
const MAX_GAP = 64;

interface Cell {
  type: string;
  style: number;
  value: string;
}

function writeSheet(part: Uint8Array, workbook: Workbook, text: DocumentText): void {
  let row: string[] = [];
  let cell: Cell | undefined;
  let isValue = false;
  readXml(part, {
    isDone: () => text.isFull,
    open: ({ name, attributes }) => {
      if (name === "row") row = [];
      if (name === "c") {
        const { r: reference = "", t: type = "n", s: style = "0" } = attributes;
        const column = columnIndex(reference) ?? row.length;
        if (column - row.length <= MAX_GAP) while (row.length < column) row.push("");
        cell = { type, style: Number(style), value: "" };
      }
      isValue = cell !== undefined && (name === "v" || name === "t");
    },
    text: (piece) => {
      if (isValue) cell!.value += piece;
    },
    close: (name) => {
      isValue = false;
      if (name === "c" && cell !== undefined) {
        row.push(formatCell(cell, workbook));
        cell = undefined;
      }
      if (name === "row" && row.some((each) => each !== "")) text.writeLine(joinCells(row));
    },
  });
}

/** The cell's content as a reader sees it, but dates in ISO 8601 (ECMA-376 part 1 §18.3.1.4, §18.18.11). */
function formatCell({ type, style, value }: Cell, { strings, dateStyles, usesDatesFrom1904 }: Workbook): string {
  if (value === "") return "";
  if (type === "s") {
    const text = strings[Number(value)];
    if (text === undefined) throw new DocumentError("invalid_file", "The file is damaged: a cell has no text.");
    return text;
  }
  if (type === "b") return value === "1" ? "TRUE" : "FALSE";
  const number = Number(value);
  if (type !== "n" || Number.isNaN(number)) return value;
  return dateStyles[style] === true ? formatDate(number, usesDatesFrom1904) : String(Number(number.toPrecision(15)));
}

/** `C7` is in column 2. Undefined without a reference. */
function columnIndex(reference: string): number | undefined {
  const letters = /^[A-Z]{1,3}/.exec(reference)?.[0];
  if (letters === undefined) return undefined;
  return Array.from(letters).reduce((index, letter) => index * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}
