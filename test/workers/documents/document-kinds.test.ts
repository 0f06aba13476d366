/** Documents of every kind, made by real programs (fixtures/README.md), as text with pages and headings. */
import { createReadStream, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Document, findPage } from "../../../workers/documents/document.ts";
import { DocumentReader, type ReadOptions } from "../../../workers/documents/document-reader.ts";
import { office, relationships } from "../../support/hostile-documents.ts";

const reader = new DocumentReader({ processes: 1 });
afterAll(() => reader[Symbol.asyncDispose]());

const signal = new AbortController().signal;
const fixture = (name: string) => readFileSync(join(import.meta.dirname, "fixtures", name));
const read = async (content: Uint8Array | string, options: Partial<ReadOptions> = {}): Promise<Document> =>
  await reader.read(typeof content === "string" ? Buffer.from(content) : content, { project: "p", signal, ...options });
const pagesOf = ({ text, pages }: Document) => pages?.map(({ start, end }) => text.slice(start, end).trim());

describe("a PDF", () => {
  test("has its pages, headings and paragraphs", async () => {
    const guide = await read(fixture("guide.pdf"));
    expect(guide).toMatchObject({ kind: "pdf", title: "A guide to mosses", pageCount: 3, isTruncated: false });
    expect(guide.headings.map(({ level, text }) => [level, text])).toEqual([
      [1, "A guide to mosses"],
      [2, "Habitat"],
      [2, "Two columns"],
    ]);
    for (const { start, text, level } of guide.headings)
      expect(guide.text.slice(start).startsWith(`${"#".repeat(level)} ${text}\n`)).toBe(true);
    const [first, second, third] = pagesOf(guide)!;
    expect(first).toContain("Mosses are small plants without flowers that grow in dense clumps. They take up water");
    expect(first).toContain("The efficient flow of water fills the office of the roots.");
    expect(first).toContain("Hair moss | 5 cm\nPeat moss | 30 cm");
    expect(second).toMatch(/^## Two columns\n\nThe left column comes first\.[^\n]+\n\nThe right column comes second\./);
    expect(second).toContain("苔藓是一种小型的绿色植物，没有花和种子，通常生长在阴暗潮湿的地方，靠孢子繁殖后代。");
    expect(third).toBe("A turned page has a wide table of heights, and its second line follows the first.");
  });

  test("that a browser printed has its right-to-left text in order", async () => {
    const { text, title } = await read(fixture("browser.pdf"));
    expect(title).toBe("Printed by a browser");
    expect(text).toContain("because only then does a reader have to join its lines again.");
    expect(text).toContain("العربية نص من اليمين إلى اليسار.");
  });

  test("that names its character maps is read", async () => {
    expect((await read(fixture("named-maps.pdf"))).text).toBe(
      "苔藓是绿色植物\n\n苔は小さな植物です\n\n이끼는 작은 식물",
    );
  });

  test("that only its owner may change is read", async () => {
    expect((await read(fixture("owner-password.pdf"))).text).toContain("Everybody may read this");
  });

  test("of images has pages without text", async () => {
    expect(await read(fixture("scan.pdf"))).toMatchObject({ kind: "pdf", text: "", pageCount: 1 });
  });
});

test("a position in the text leads to its page", async () => {
  const guide = await read(fixture("guide.pdf"));
  expect(findPage(guide, guide.text.indexOf("right column"))?.number).toBe(2);
  expect(findPage(guide, 0)?.number).toBe(1);
  expect(findPage(await read("words"), 0)).toBeUndefined();
});

test("a document of Word has headings, lists, tables and notes", async () => {
  const report = await read(fixture("report.docx"));
  expect(report).toMatchObject({ kind: "docx", title: "Report on mosses" });
  expect(report.headings.map(({ text }) => text)).toEqual(["Report on mosses", "Steps", "Heights"]);
  expect(report.text).toContain("Mosses grow slowly.[1]");
  expect(report.text).toContain("- Find a damp place");
  expect(report.text).toContain("Kind | Height |\nHair moss | 5 cm |");
  expect(report.text).toContain("[1] Measured in the spring.");
});

test("a presentation has its slides as pages, with notes", async () => {
  const talk = await read(fixture("talk.pptx"));
  expect(talk).toMatchObject({ kind: "pptx", title: "Talk on mosses", pageCount: 2 });
  expect(pagesOf(talk)).toEqual([
    "# Mosses in the city\n\nThey cool the walls.\n\nNotes: Greet everybody first.",
    "# Heights\n\nKind | Height\nHair moss | 5 cm",
  ]);
});

test("a presentation shows alternative content once", async () => {
  const shape = (text: string) => `<p:sp><p:txBody><a:p><a:r><a:t>${text}</a:t></a:r></a:p></p:txBody></p:sp>`;
  const slide = `<p:sld><mc:AlternateContent><mc:Choice>${shape("new")}</mc:Choice><mc:Fallback>${shape("old")}</mc:Fallback></mc:AlternateContent></p:sld>`;
  const main = '<p:presentation><p:sldIdLst><p:sldId r:id="rId1"/></p:sldIdLst></p:presentation>';
  const talk = office("pptx", { content: main }, [
    { name: "ppt/_rels/presentation.xml.rels", content: relationships({ rId1: ["slide", "slides/slide1.xml"] }) },
    { name: "ppt/slides/slide1.xml", content: slide },
  ]);
  expect((await read(talk)).text).toBe("new");
});

test("a workbook has its sheets, dates and values of formulas", async () => {
  const { kind, text, headings } = await read(fixture("heights.xlsx"));
  expect(kind).toBe("xlsx");
  expect(headings.map(({ text: name }) => name)).toEqual(["Heights", "Notes & more"]);
  expect(text).toBe(`# Heights

Kind | Height | Measured | Wet
Hair moss | 5.1 | 2026-03-01 | TRUE
Peat moss | 30 | 2026-03-02 14:30:00 | FALSE
Mean | 17.55

# Notes & more

| grown in shade`);
});

test("a book has its chapters in order", async () => {
  const book = await read(fixture("mosses.epub"));
  expect(book).toMatchObject({ kind: "epub", title: "The book of mosses" });
  expect(book.text).toBe("# Beginnings\n\nA spore lands on stone.\n\n# Growth\n\nLeaves spread in the rain.");
});

test("HTML is read as a web page", async () => {
  const html =
    "<!doctype html><title>Mosses</title><nav>Home</nav><h1>Mosses</h1><p>They are <b>green</b>.<script>x()</script>";
  expect(await read(html)).toMatchObject({ kind: "html", title: "Mosses", headings: [{ level: 1, text: "Mosses" }] });
  expect((await read(html)).text).toContain("They are green.");
});

test.each([
  [
    "semicolons and quotes",
    'Kind;Height\n"Hair; moss";5\n"Peat\nmoss";30',
    "Kind | Height\nHair; moss | 5\nPeat moss | 30",
  ],
  ["tabs", "Kind\tHeight\nHair\t5", "Kind | Height\nHair | 5"],
])("separated values with %s become rows", async (_name, csv, text) => {
  expect(await read(csv, { name: "heights.csv" })).toMatchObject({ kind: "csv", text });
});

test("Markdown has its headings, but not those in code", async () => {
  const markdown =
    "# Mosses #\n\n```sh\n# no heading\n```\n\nSub *title*\n---\n\n- item\n---\n\n## [Link](http://a.example)\n";
  const { kind, title, headings } = await read(markdown, { name: "notes.md" });
  expect({ kind, title }).toEqual({ kind: "markdown", title: "Mosses" });
  expect(headings).toEqual([
    { level: 1, text: "Mosses", start: 0 },
    { level: 2, text: "Sub title", start: markdown.indexOf("Sub") },
    { level: 2, text: "Link", start: markdown.indexOf("## [") },
  ]);
});

test("JSON on one long line is spread over lines", async () => {
  const data = { values: Array.from({ length: 300 }, (_, i) => ({ i })) };
  expect((await read(JSON.stringify(data), { name: "a.json" })).text).toBe(JSON.stringify(data, undefined, 1));
  expect(await read('{"a": 1,\n broken', { name: "a.json" })).toMatchObject({
    kind: "json",
    text: '{"a": 1,\n broken',
  });
});

test("code keeps its indentation", async () => {
  expect(await read("    if x:\r\n\ty()\n", { name: "a.py" })).toMatchObject({
    kind: "code",
    text: "    if x:\n\ty()",
  });
});

test.each([
  ["UTF-8", Buffer.from("Größe 苔"), "Größe 苔"],
  ["UTF-8 with a mark", Buffer.from("\ufeffGröße"), "Größe"],
  ["UTF-16 with a mark", Buffer.from("\ufeffGröße", "utf16le"), "Größe"],
  ["UTF-16 without a mark", Buffer.from("A longer text in two bytes", "utf16le"), "A longer text in two bytes"],
  ["Windows-1252", Buffer.from("Größe – naïve".replace("–", "\x96"), "latin1"), "Größe – naïve"],
  [
    "Shift_JIS",
    Buffer.from(
      "91db82cd8fac82b382c8904195a882c582b7814289d482f08de782a982b982b881418ebc82c182bd8fea8f8a82c990b682a682dc82b78142",
      "hex",
    ),
    "苔は小さな植物です。花を咲かせず、湿った場所に生えます。",
  ],
  [
    "Windows-1251",
    Buffer.from(
      "ccf5e820ede5e1eeebfcf8e8e520f0e0f1f2e5ede8ff20e1e5e720f6e2e5f2eaeee22c20eaeef2eef0fbe520f0e0f1f2f3f220e2ee20e2ebe0e6edfbf520ece5f1f2e0f52e",
      "hex",
    ),
    "Мхи небольшие растения без цветков, которые растут во влажных местах.",
  ],
  [
    "GB18030",
    Buffer.from("cca6debacac7d2bbd6d6d0a1d0cdb5c4c2ccc9abd6b2ceefa3acc3bbd3d0bba8bacdd6d6d7d3a1a3", "hex"),
    "苔藓是一种小型的绿色植物，没有花和种子。",
  ],
])("text in %s is decoded", async (_name, bytes, text) => {
  expect(await read(bytes)).toMatchObject({ kind: "text", text });
});

describe("the content decides", () => {
  test("and not a wrong name or type", async () => {
    const claims = { name: "photo.txt", contentType: "text/html" };
    expect((await read(fixture("guide.pdf"), claims)).kind).toBe("pdf");
    expect((await read(fixture("report.docx"), { name: "a.pdf" })).kind).toBe("docx");
    expect((await read(fixture("heights.xlsx"), { name: "a.docx" })).kind).toBe("xlsx");
    expect(await read("just words", { name: "a.pdf", contentType: "application/pdf" })).toMatchObject({ kind: "text" });
    expect(await read("just words", { name: "a.html" })).toMatchObject({ kind: "text", text: "just words" });
  });

  test.each(["BMW is a car.", "MZ is a name.", "%!PS is a header.", "II* are letters."])(
    "also if %j begins like another type",
    async (text) => {
      expect(await read(text)).toMatchObject({ kind: "text", text });
    },
  );

  test("also without a name, of an empty file", async () => {
    expect(await read("")).toMatchObject({ kind: "text", text: "", pages: undefined, isTruncated: false });
  });
});

describe("a stream", () => {
  const path = join(import.meta.dirname, "fixtures", "guide.pdf");

  test("is read like bytes", async () => {
    const source = { stream: createReadStream(path, { highWaterMark: 1_000 }), size: statSync(path).size };
    expect((await reader.read(source, { project: "p", signal })).pageCount).toBe(3);
  });

  test("that fails or ends early rejects, and the next document is read", async () => {
    const broken = (async function* () {
      yield Buffer.from("some");
      await Promise.reject(new Error("The disk is gone"));
    })();
    await expect(reader.read({ stream: broken, size: 100 }, { project: "p", signal })).rejects.toThrow(
      "The disk is gone",
    );
    const short = { stream: createReadStream(path), size: statSync(path).size + 1 };
    await expect(reader.read(short, { project: "p", signal })).rejects.toMatchObject({ code: "unavailable" });
    expect((await read("next")).text).toBe("next");
  });
});

describe("a text beyond the limit", () => {
  test("is truncated between characters, at whole pages' positions", async () => {
    const text = await read(`# A\n\n${"😀".repeat(50)}`, { name: "a.md", maxTextLength: 40 });
    expect(text).toMatchObject({ isTruncated: true, headings: [{ text: "A" }] });
    expect(text.text).toMatch(/^# A\n\n😀+$/u);
    const guide = await read(fixture("guide.pdf"), { maxTextLength: 900 });
    expect(guide).toMatchObject({ isTruncated: true, pageCount: 3 });
    expect(guide.text.length).toBe(900);
    expect(guide.pages?.at(-1)?.end).toBe(900);
  });

  test("of pages leaves out the last ones", async () => {
    await using short = new DocumentReader({ processes: 1, limits: { maxPages: 2 } });
    const { pages, pageCount, isTruncated } = await short.read(fixture("guide.pdf"), { project: "p", signal });
    expect({ pages: pages?.length, pageCount, isTruncated }).toEqual({ pages: 2, pageCount: 3, isTruncated: true });
  });

  test.each(["report.docx", "talk.pptx", "heights.xlsx", "mosses.epub"])("of %s is truncated", async (name) => {
    const { text, isTruncated } = await read(fixture(name), { maxTextLength: 30 });
    expect(text.length).toBeLessThanOrEqual(30);
    expect(isTruncated).toBe(true);
  });
});
