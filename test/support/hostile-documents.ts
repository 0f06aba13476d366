/** Documents that are broken or meant to harm, made of their bytes: archives with any declared sizes, PDFs with any objects. */
import { crc32, deflateRawSync, deflateSync } from "node:zlib";

export interface ZipPart {
  name: string;
  content: Uint8Array | string;
  /** What the archive says, if it is not the content's size. */
  declaredSize?: number;
  isEncrypted?: boolean;
}

/** A zip archive (APPNOTE.TXT). The declared sizes and flags are written as given. */
export function zip(parts: readonly ZipPart[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, declaredSize, isEncrypted = false } of parts) {
    const bytes = Buffer.from(content as string);
    const packed = deflateRawSync(bytes, { level: 9 });
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(isEncrypted ? 1 : 0, 2);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(declaredSize ?? bytes.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\0"), fields, rest, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, ...directory, end]);
}

const CONTENT_TYPES: Record<"docx" | "pptx" | "xlsx", string> = {
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
};
const MAIN_PARTS = { docx: "word/document.xml", pptx: "ppt/presentation.xml", xlsx: "xl/workbook.xml" };
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/** An Office document with the given main part, and further parts. */
export function office(
  kind: "docx" | "pptx" | "xlsx",
  main: Omit<ZipPart, "name">,
  others: readonly ZipPart[] = [],
): Buffer {
  const part = MAIN_PARTS[kind];
  return zip([
    {
      name: "[Content_Types].xml",
      content: `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/${part}" ContentType="${CONTENT_TYPES[kind]}"/></Types>`,
    },
    { name: "_rels/.rels", content: relationships({ rId1: ["officeDocument", part] }) },
    { name: part, ...main },
    ...others,
  ]);
}

export function relationships(byId: Record<string, [type: string, target: string]>): string {
  const all = Object.entries(byId).map(
    ([id, [type, target]]) => `<Relationship Id="${id}" Type="${OFFICE}/${type}" Target="${target}"/>`,
  );
  return `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${all.join("")}</Relationships>`;
}

export function docx(body: string, prolog = ""): Omit<ZipPart, "name"> {
  const content = `${prolog}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>${body}</w:body></w:document>`;
  return { content };
}

export function word(text: string): string {
  return `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`;
}

/** A workbook with one sheet. */
export function xlsx(sheet: string, prolog = ""): Buffer {
  const main = `<workbook xmlns:r="${OFFICE}"><sheets><sheet name="One" sheetId="1" r:id="rId1"/></sheets></workbook>`;
  return office("xlsx", { content: main }, [
    { name: "xl/_rels/workbook.xml.rels", content: relationships({ rId1: ["worksheet", "worksheets/sheet1.xml"] }) },
    { name: "xl/worksheets/sheet1.xml", content: `${prolog}<worksheet>${sheet}</worksheet>` },
  ]);
}

export function epub(packageXml: string, others: readonly ZipPart[] = []): Buffer {
  return zip([
    { name: "mimetype", content: "application/epub+zip" },
    {
      name: "META-INF/container.xml",
      content: `<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>`,
    },
    { name: "OPS/book.opf", content: packageXml },
    ...others,
  ]);
}

/** A PDF of the objects, whose numbers start at 1. The first is the catalogue. */
export function pdf(objects: readonly (string | Buffer)[]): Buffer {
  const pieces: Buffer[] = [Buffer.from("%PDF-1.7\n")];
  const offsets: number[] = [];
  let length = pieces[0]!.length;
  for (const [i, object] of objects.entries()) {
    offsets.push(length);
    const piece = Buffer.concat([
      Buffer.from(`${i + 1} 0 obj\n`),
      Buffer.from(object as string),
      Buffer.from("\nendobj\n"),
    ]);
    pieces.push(piece);
    length += piece.length;
  }
  const rows = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  const count = objects.length + 1;
  pieces.push(
    Buffer.from(
      `xref\n0 ${count}\n0000000000 65535 f \n${rows}trailer\n<</Size ${count}/Root 1 0 R>>\nstartxref\n${length}\n%%EOF\n`,
    ),
  );
  return Buffer.concat(pieces);
}

export function pdfStream(dictionary: string, content: Buffer): Buffer {
  const packed = deflateSync(content, { level: 9 });
  return Buffer.concat([
    Buffer.from(`<<${dictionary}/Filter/FlateDecode/Length ${packed.length}>>\nstream\n`),
    packed,
    Buffer.from("\nendstream"),
  ]);
}
