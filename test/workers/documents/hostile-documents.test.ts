/** Broken and hostile documents: each ends in time with its code, and the next document is read. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { DocumentFailure } from "../../../workers/documents/document.ts";
import { DocumentReader } from "../../../workers/documents/document-reader.ts";
import { docx, epub, office, pdf, pdfStream, word, xlsx, zip } from "../../support/hostile-documents.ts";

const MIB = 1024 * 1024;
const TIMEOUT_MS = 8_000;
/** A process that takes long to be killed, or to start again, on a busy machine. */
const LATEST_MS = TIMEOUT_MS + 12_000;
const limits = { timeoutMs: TIMEOUT_MS, heapMb: 192, processMb: 448 };
const reader = new DocumentReader({ processes: 1, reservePercent: 0, limits });
afterAll(() => reader[Symbol.asyncDispose]());

const signal = new AbortController().signal;
const fixture = (name: string) => readFileSync(join(import.meta.dirname, "fixtures", name));

/** The document's text, or the code of its failure. The next document is always read. */
async function outcomeOf(bytes: Uint8Array, name?: string): Promise<{ text: string } | { code: DocumentFailure }> {
  const startedAt = performance.now();
  const reading = reader.read(bytes, { project: "p", signal, name, maxTextLength: 100_000 });
  const outcome = await reading.then(
    ({ text }) => ({ text }),
    ({ code }: { code: DocumentFailure }) => ({ code }),
  );
  expect(performance.now() - startedAt).toBeLessThan(LATEST_MS);
  expect(await reader.read(Buffer.from("next"), { project: "p", signal })).toMatchObject({ text: "next" });
  return outcome;
}

const LAUGHS = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "${"ha".repeat(100)}">${"bcdefghi"
  .split("")
  .map((name, i) => `<!ENTITY ${name} "${`&${"abcdefgh"[i]};`.repeat(20)}">`)
  .join("")}]>`;
const OUTSIDE = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY i SYSTEM "file:///etc/passwd">]>`;
const EMPTY_PAGE = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>";
const CATALOG = "<</Type/Catalog/Pages 2 0 R>>";

describe("an archive", () => {
  const big = Buffer.alloc(300 * MIB, " ");

  test("that is large when unpacked is too large", async () => {
    expect(await outcomeOf(office("docx", { content: big }))).toEqual({ code: "too_large" });
    const book =
      '<package><manifest><item id="a" href="a.xhtml" media-type="text/html"/></manifest><spine><itemref idref="a"/></spine></package>';
    expect(await outcomeOf(epub(book, [{ name: "OPS/a.xhtml", content: big }]))).toEqual({ code: "too_large" });
  });

  test("that declares a smaller size costs no more than the limits", async () => {
    const lying = office("docx", { content: big, declaredSize: 1_000 });
    expect(await outcomeOf(lying)).toHaveProperty(
      "code",
      expect.stringMatching(/^(?:too_large|invalid_file|timed_out)$/),
    );
    const sheet = office("pptx", { content: big, declaredSize: 1_000 });
    expect(await outcomeOf(sheet)).toHaveProperty(
      "code",
      expect.stringMatching(/^(?:too_large|invalid_file|timed_out)$/),
    );
  });

  test("that declares four gigabytes is too large", async () => {
    const declaredSize = 0xffff_fff0;
    expect(await outcomeOf(office("docx", { ...docx(word("x")), declaredSize }))).toEqual({ code: "too_large" });
    expect(await outcomeOf(office("xlsx", { content: "<workbook/>", declaredSize }))).toEqual({ code: "too_large" });
  });

  test("of archives is no document", async () => {
    const inner = zip([{ name: "bomb", content: big }]);
    const nested = zip(Array.from({ length: 50 }, (_, i) => ({ name: `${i}.zip`, content: inner })));
    expect(await outcomeOf(nested, "a.docx")).toEqual({ code: "unsupported_file" });
  });

  test("with encrypted entries is encrypted", async () => {
    const locked = office("pptx", { content: "locked", isEncrypted: true });
    expect(await outcomeOf(locked)).toEqual({ code: "encrypted_file" });
  });

  test("with a hundred thousand entries is refused", async () => {
    const others = Array.from({ length: 60_000 }, (_, i) => ({ name: `ppt/slides/${i}.xml`, content: "" }));
    expect(await outcomeOf(office("pptx", { content: "<presentation/>" }, others))).toEqual({ code: "too_large" });
  });
});

describe("XML", () => {
  test.each([
    ["entities that multiply", LAUGHS],
    ["entities outside of the document", OUTSIDE],
  ])("with %s expands none", async (_name, prolog) => {
    const results = [
      await outcomeOf(office("docx", docx(word("&i;"), prolog))),
      await outcomeOf(xlsx('<sheetData><row><c t="str"><v>&i;</v></c></row></sheetData>', prolog)),
      await outcomeOf(office("pptx", { content: `${prolog}<presentation>&i;</presentation>` })),
      await outcomeOf(epub(`${prolog}<package><metadata><title>&i;</title></metadata></package>`)),
    ];
    expect(results).toEqual(results.map(() => ({ code: "invalid_file" })));
  });

  test("that nests a million deep is read or refused in time", async () => {
    const deep = "<a>".repeat(1_000_000);
    expect(await outcomeOf(xlsx(deep))).toHaveProperty("code", expect.stringMatching(/^(?:too_large|invalid_file)$/));
    const table = "<w:tbl><w:tr><w:tc>".repeat(100_000);
    expect(await outcomeOf(office("docx", docx(table)))).toHaveProperty("code");
  });
});

describe("a PDF", () => {
  test("with a page tree that loops has no endless pages", async () => {
    const loop = pdf([CATALOG, "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000>>"]);
    expect(await outcomeOf(loop)).toEqual({ code: "invalid_file" });
  });

  test("with object streams that contain each other is damaged", async () => {
    const inner = (other: number) =>
      pdfStream(`/Type/ObjStm/N 1/First 4/Extends ${other} 0 R`, Buffer.from("2 0 <</Kids 2 0 R>>"));
    expect(await outcomeOf(pdf([CATALOG, "3 0 R", inner(4), inner(3)]))).toEqual({ code: "invalid_file" });
  });

  test("that claims a million pages has those that exist", async () => {
    const claimed = pdf([CATALOG, "<</Type/Pages/Kids[3 0 R]/Count 1000000>>", EMPTY_PAGE]);
    expect(await outcomeOf(claimed)).toEqual({ text: "" });
  });

  test("with a million pages takes too long", async () => {
    const kids = "3 0 R ".repeat(1_000_000);
    const million = pdf([CATALOG, `<</Type/Pages/Kids[${kids}]/Count 1000000>>`, EMPTY_PAGE]);
    expect(await outcomeOf(million)).toEqual({ code: "timed_out" });
  });

  test("with a page that unpacks to half a gigabyte is too large", async () => {
    const content = pdfStream("", Buffer.alloc(512 * MIB, " "));
    const page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>";
    const bomb = pdf([CATALOG, "<</Type/Pages/Kids[3 0 R]/Count 1>>", page, content]);
    expect(await outcomeOf(bomb)).toHaveProperty("code", expect.stringMatching(/^(?:too_large|timed_out)$/));
  });

  test("with a form that draws itself ends", async () => {
    const page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</XObject<</F 5 0 R>>>>>>";
    const form = pdfStream(
      "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 5 0 R>>>>",
      Buffer.from("/F Do /F Do"),
    );
    const loop = pdf([CATALOG, "<</Type/Pages/Kids[3 0 R]/Count 1>>", page, pdfStream("", Buffer.from("/F Do")), form]);
    expect(await outcomeOf(loop)).toSatisfy((outcome: object) => "code" in outcome || "text" in outcome);
  });

  test("with a password is encrypted", async () => {
    expect(await outcomeOf(fixture("encrypted.pdf"))).toEqual({ code: "encrypted_file" });
  });
});

describe("an Office file", () => {
  const compound = (name: string) =>
    Buffer.concat([
      Buffer.from("d0cf11e0a1b11ae1", "hex"),
      Buffer.alloc(504),
      Buffer.from(name, "utf16le"),
      Buffer.alloc(512),
    ]);

  test("with a password is encrypted", async () => {
    expect(await outcomeOf(compound("EncryptedPackage"))).toEqual({ code: "encrypted_file" });
  });

  test("of an old format is not supported", async () => {
    expect(await outcomeOf(compound("WordDocument"), "old.docx")).toEqual({ code: "unsupported_file" });
  });

  test("with the widest sheet costs only its cells", async () => {
    const sheet =
      '<dimension ref="A1:XFD1048576"/><sheetData><row r="1048576"><c r="XFD1048576"><v>7</v></c></row></sheetData>';
    expect(await outcomeOf(xlsx(sheet))).toEqual({ text: "# One\n\n7" });
  });
});

describe("a text", () => {
  test("of a table with a million columns is truncated", async () => {
    expect(await outcomeOf(Buffer.from("1,".repeat(1_000_000)), "a.csv")).toMatchObject({
      text: expect.stringMatching(/^1 \| 1/),
    });
  });

  test("of JSON that nests deep stays as it is", async () => {
    expect(await outcomeOf(Buffer.from("[".repeat(100_000)), "a.json")).toMatchObject({
      text: expect.stringMatching(/^\[{9}/),
    });
    const closed = Buffer.from("[".repeat(49_000) + "]".repeat(49_000));
    expect(await outcomeOf(closed, "a.json")).toMatchObject({ text: expect.stringMatching(/^\[/) });
  });

  test("of HTML that costs too much time is given up", async () => {
    expect(await outcomeOf(Buffer.from(`<!doctype html>${"<div>".repeat(600_000)}`))).toEqual({ code: "timed_out" });
  });

  test.each([
    ["an image", Buffer.from("89504e470d0a1a0a0000000d49484452", "hex")],
    ["random bytes", Buffer.concat([Buffer.from([0, 1, 2, 3]), randomBytes(10_000)])],
    ["an archive", zip([{ name: "a.txt", content: "a" }])],
  ])("of %s is not supported", async (_name, bytes) => {
    expect(await outcomeOf(bytes, "a.txt")).toEqual({ code: "unsupported_file" });
  });
});

test("a book cannot name what is outside of it", async () => {
  const items = ["../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "file:///etc/passwd"]
    .map((href, i) => `<item id="i${i}" href="${href}" media-type="text/html"/>`)
    .join("");
  const spine = [0, 1, 2, 3].map((i) => `<itemref idref="i${i}"/>`).join("");
  const book = `<package><manifest>${items}</manifest><spine>${spine}</spine></package>`;
  expect(await outcomeOf(epub(book))).toEqual({ text: "" });
});

test("a document of Word cannot name what is outside of it", async () => {
  const main = docx(word("inside"));
  const others = [
    {
      name: "word/_rels/document.xml.rels",
      content: `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" Target="file:///etc/passwd" TargetMode="External"/></Relationships>`,
    },
  ];
  expect(await outcomeOf(office("docx", main, others))).toEqual({ text: "inside" });
});

const WHOLE = ["guide.pdf", "browser.pdf", "report.docx", "talk.pptx", "heights.xlsx", "mosses.epub"];

const codesOf = (outcomes: readonly object[]) =>
  new Set(outcomes.flatMap((each) => ("code" in each ? [each.code] : [])));

test.each(WHOLE)("%s that is cut at each tenth is damaged or read in part", async (name) => {
  const bytes = fixture(name);
  const outcomes: object[] = [];
  for (let tenth = 1; tenth < 10; tenth++)
    outcomes.push(await outcomeOf(bytes.subarray(0, Math.floor((bytes.length * tenth) / 10))));
  // pdf.js finds the objects of a PDF without its end. An archive's directory is at its end.
  const failed = outcomes.filter((each) => "code" in each).length;
  expect(failed).toBeGreaterThanOrEqual(name.endsWith(".pdf") ? 1 : 9);
  expect(codesOf(outcomes).isSubsetOf(new Set(["invalid_file", "unsupported_file"]))).toBe(true);
});

test.each(WHOLE)("%s with random bytes behind its header is damaged", async (name) => {
  const bytes = fixture(name);
  const outcomes: object[] = [];
  for (const kept of [10, 100, Math.floor(bytes.length / 2)])
    outcomes.push(await outcomeOf(Buffer.concat([bytes.subarray(0, kept), randomBytes(bytes.length - kept)])));
  expect(codesOf(outcomes).isSubsetOf(new Set(["invalid_file", "unsupported_file"]))).toBe(true);
});

test("a failure names its place, and quotes nothing of the document", async () => {
  const secret = office("docx", docx(word("&secret;"), "<!DOCTYPE secret>"));
  const failure = reader.read(secret, { project: "p", signal });
  await expect(failure).rejects.toMatchObject({
    code: "invalid_file",
    cause: expect.stringContaining("mammoth") as string,
  });
  await expect(failure).rejects.toMatchObject({ cause: expect.not.stringContaining("secret") as string });
});

describe("the reader", () => {
  test("refuses a file that is too large before it is sent", async () => {
    const small = new DocumentReader({ limits: { maxBytes: 10 } });
    const never = { stream: (async function* () {})(), size: 11 };
    await expect(small.read(never, { project: "p", signal })).rejects.toMatchObject({ code: "too_large" });
  });

  test("stops a document that is cancelled at once", async () => {
    await using patient = new DocumentReader({ processes: 1, limits: { timeoutMs: 600_000 } });
    const stop = new AbortController();
    const deep = Buffer.from(`<!doctype html>${"<div>".repeat(600_000)}`);
    const reading = patient.read(deep, { project: "p", signal: stop.signal });
    setTimeout(() => stop.abort(new Error("cancelled")), 200);
    await expect(reading).rejects.toThrow("cancelled");
    expect(await patient.read(Buffer.from("next"), { project: "p", signal })).toMatchObject({ text: "next" });
  });

  test("ends a process whose buffers grow beyond its memory", async () => {
    await using small = new DocumentReader({ processes: 1, limits: { processMb: 256 } });
    const page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>";
    const pages = "<</Type/Pages/Kids[3 0 R]/Count 1>>";
    const large = pdf([CATALOG, pages, page, pdfStream("", Buffer.alloc(300 * MIB, " "))]);
    await expect(small.read(large, { project: "p", signal })).rejects.toMatchObject({ code: "too_large" });
  });

  test("rejects documents beyond its queue", async () => {
    const one = new DocumentReader({ processes: 1, reservePercent: 0, maxWaiting: 1 });
    const all = await Promise.allSettled([1, 2, 3].map((n) => one.read(Buffer.from(`${n}`), { project: "p", signal })));
    expect(
      all.map((each) => (each.status === "fulfilled" ? each.value.text : (each.reason as { code: string }).code)),
    ).toEqual(["1", "2", "busy"]);
    await one[Symbol.asyncDispose]();
  });
});
