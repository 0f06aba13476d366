/** Makes a small PDF (ISO 32000-1 §7.5): a title, and one page for each paragraph. Its characters must be in Latin-1. */
import type { Page } from "./pages.ts";

const MAX_LINE_LENGTH = 80;
const TITLE_FONT = "/F 20 Tf";
const TEXT_FONT = "/F 11 Tf";
/** The first objects: the catalogue, the pages, the font, and the title. */
const FIRST_PAGE_OBJECT = 5;

export function makePdf({ title, paragraphs }: Page): Buffer {
  const pageNumbers = paragraphs.map((_, i) => FIRST_PAGE_OBJECT + 2 * i);
  const kids = pageNumbers.map((number) => `${number} 0 R`).join(" ");
  const objects = [
    "<</Type/Catalog/Pages 2 0 R>>",
    `<</Type/Pages/Kids[${kids}]/Count ${paragraphs.length}>>`,
    "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    `<</Title ${toString(title)}>>`,
    ...paragraphs.flatMap((paragraph, i) => {
      const content = drawText(i === 0 ? title : undefined, paragraph);
      return [
        `<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents ${pageNumbers[i]! + 1} 0 R/Resources<</Font<</F 3 0 R>>>>>>`,
        `<</Length ${content.length}>>\nstream\n${content}\nendstream`,
      ];
    }),
  ];
  return Buffer.from(joinObjects(objects), "latin1");
}

function drawText(title: string | undefined, paragraph: string): string {
  const heading = title === undefined ? "" : `${TITLE_FONT} ${toString(title)} Tj 0 -40 Td `;
  const lines = wrap(paragraph).map((line) => `${toString(line)} Tj 0 -14 Td`);
  return `BT 60 760 Td ${heading}${TEXT_FONT} ${lines.join(" ")} ET`;
}

function toString(text: string): string {
  return `(${text.replace(/[\\()]/g, "\\$&")})`;
}

function wrap(text: string): string[] {
  return text.match(new RegExp(`.{1,${MAX_LINE_LENGTH}}(?:\\s|$)`, "g")) ?? [text];
}

/** With the table of the objects' positions at the end. */
function joinObjects(objects: readonly string[]): string {
  let body = "%PDF-1.4\n";
  const positions = objects.map((object, i) => {
    const position = body.length;
    body += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(position).padStart(10, "0")} 00000 n \n`;
  });
  const size = objects.length + 1;
  const trailer = `trailer\n<</Size ${size}/Root 1 0 R/Info 4 0 R>>\nstartxref\n${body.length}\n%%EOF\n`;
  return `${body}xref\n0 ${size}\n0000000000 65535 f \n${positions.join("")}${trailer}`;
}
