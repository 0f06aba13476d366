/** Reads presentations of PowerPoint: each slide is a page, with its title as a heading and its notes at the end. */
import type { DocumentText } from "../process/document-text.ts";
import type { FormatReader } from "../process/format-reader.ts";
import { readCoreTitle } from "./core-properties.ts";
import { findMainPart, readRelationships, type Relationship, relationshipsName } from "./relationships.ts";
import { joinCells } from "./table-row.ts";
import { readXml } from "./xml-events.ts";
import { ZipArchive } from "./zip-archive.ts";

// oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
export const readPptx: FormatReader = async ({ bytes, request, text }) => {
  const archive = new ZipArchive(bytes, request.limits.maxUnpackedBytes);
  const main = findMainPart(archive, "ppt/presentation.xml");
  const names = listSlides(archive, main);
  archive.load(names.slice(0, request.limits.maxPages).flatMap((name) => [name, relationshipsName(name)]));
  for (const name of names) {
    if (!text.startPage()) break;
    writeSlide(archive.takeRequired(name), text);
    const notes = readRelationships(archive, name)
      .values()
      .find(({ type }) => type === "notesSlide");
    const part = notes === undefined ? undefined : archive.take(notes.target);
    if (part !== undefined) writeNotes(part, text);
  }
  return { title: readCoreTitle(archive) ?? text.headings[0]?.text, pageCount: names.length };
};

/** In their order. */
function listSlides(archive: ZipArchive, main: string): string[] {
  const relationships: ReadonlyMap<string, Relationship> = readRelationships(archive, main);
  const names: string[] = [];
  readXml(archive.takeRequired(main), {
    open: ({ name, attributes }) => {
      const target = name === "sldId" ? relationships.get(attributes["r:id"] ?? "")?.target : undefined;
      if (target !== undefined && archive.has(target)) names.push(target);
    },
  });
  return names;
}

const TITLES: ReadonlySet<string> = new Set(["title", "ctrTitle"]);
/** Placeholders that repeat on every slide. */
const REPEATED: ReadonlySet<string> = new Set(["sldNum", "dt", "ftr", "hdr"]);

interface Shape {
  placeholder: string | undefined;
  paragraphs: string[];
}

function writeSlide(part: Uint8Array, text: DocumentText): void {
  readShapes(part, text, ({ placeholder = "", paragraphs }) => {
    if (TITLES.has(placeholder)) text.writeHeading(1, paragraphs.join(" "));
    else if (!REPEATED.has(placeholder)) text.writeBlock(paragraphs.join("\n"));
  });
}

function writeNotes(part: Uint8Array, text: DocumentText): void {
  readShapes(part, text, ({ placeholder, paragraphs }) => {
    if (placeholder === "body") text.writeBlock(`Notes: ${paragraphs.join("\n")}`);
  });
}

/** Reads shapes and tables. Shapes without text are left out (ECMA-376 part 1 §19.3.1 and §21.1). */
function readShapes(part: Uint8Array, text: DocumentText, write: (shape: Shape) => void): void {
  let shape: Shape = { placeholder: undefined, paragraphs: [] };
  let paragraph = "";
  let cells: string[] | undefined;
  let isText = false;
  let isFallback = false;
  readXml(part, {
    isDone: () => text.isFull,
    open: ({ name, attributes }) => {
      // The same content again, for programs that do not know the first form (ECMA-376 part 3 §7.6).
      if (name === "Fallback") isFallback = true;
      if (name === "sp" || name === "graphicFrame") shape = { placeholder: undefined, paragraphs: [] };
      if (name === "ph") shape.placeholder = attributes["type"] ?? "body";
      if (name === "tr") cells = [];
      if (name === "tc") paragraph = "";
      if (name === "br" || (name === "p" && cells !== undefined)) paragraph += "\n";
      isText = name === "t" && !isFallback;
    },
    text: (piece) => {
      if (isText) paragraph += piece;
    },
    close: (name) => {
      isText = false;
      if (name === "Fallback") isFallback = false;
      if (name === "tc") cells?.push(paragraph);
      if (name === "p" && cells === undefined) {
        if (paragraph.trim() !== "") shape.paragraphs.push(paragraph.trim());
        paragraph = "";
      }
      if (name === "tr") {
        shape.paragraphs.push(joinCells(cells ?? []));
        cells = undefined;
        paragraph = "";
      }
      if ((name === "sp" || name === "graphicFrame") && shape.paragraphs.length > 0) write(shape);
    },
  });
}
