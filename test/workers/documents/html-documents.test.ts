/** Web pages that cost too much, by design or by accident, and those that projects read at the same time. */
import { setImmediate as immediate } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { DocumentReader } from "../../../workers/documents/document-reader.ts";

const NEVER = new AbortController().signal;
/** A parser's work grows with the square of the depth. */
const DEEP = `${"<div>".repeat(600_000)}deep`;

/** For cheap pages: a process takes a while to start. */
const PLAIN = new DocumentReader({ processes: 1 });
afterAll(() => PLAIN[Symbol.asyncDispose]());

const read = async (reader: DocumentReader, html: string, project = "p", signal = NEVER) =>
  await reader.read(Buffer.from(html), { project, signal, contentType: "text/html", url: "https://a.example/" });

describe("a page that costs too much", () => {
  test("times out, and the next one is read", async () => {
    await using reader = new DocumentReader({ processes: 1, limits: { timeoutMs: 1_500 } });
    const [bad, good] = await Promise.allSettled([read(reader, DEEP), read(PLAIN, "<p>Next")]);
    expect(bad).toMatchObject({ status: "rejected", reason: { code: "timed_out" } });
    expect(good).toMatchObject({ value: { text: "Next" } });
  });

  test("fails if it needs too much memory", async () => {
    await using reader = new DocumentReader({ processes: 1, limits: { heapMb: 64 } });
    const wide = "<p><b>x</b><i>y</i>".repeat(260_000);
    await expect(read(reader, wide)).rejects.toMatchObject({ code: "too_large" });
    expect(await read(reader, "<p>Next")).toMatchObject({ text: "Next" });
  });

  test("does not block the worker", async () => {
    await using reader = new DocumentReader({ processes: 1, limits: { timeoutMs: 2_000 } });
    const page = read(reader, DEEP).then(
      () => "page",
      () => "page",
    );
    const worker = (async () => {
      for (let turn = 0; turn < 1_000; turn++) await immediate();
      return "worker";
    })();
    expect(await Promise.race([page, worker])).toBe("worker");
    expect(await page).toBe("page");
  });
});

test.each([
  ["nested a thousand deep", `${"<div>".repeat(1_000)}Here`, "Here"],
  ["unclosed tags", "<p>One<p><b>Two<table><td>Three", "One\n\nTwo\n\nThree |"],
  ["nothing", "", ""],
  ["no HTML", "just words", "just words"],
  ["a frameset", "<frameset><frame src=x></frameset>", ""],
  ["entities", "<p>&lt;b&gt; &amp; &#x1F600;", "<b> & 😀"],
  [
    "paragraphs in lists and cells",
    "<ul><li><p>One</p><li><p>Two</p></ul><table><td><p>3</p><td><p>4</p></table>",
    "- One\n- Two\n\n3 | 4 |",
  ],
])("a page of %s is read", async (_name, html, text) => {
  expect((await read(PLAIN, html)).text).toBe(text);
});

describe("more pages than processes", () => {
  test("wait for their turn, and are all read", async () => {
    await using reader = new DocumentReader({ processes: 2 });
    const pages = Array.from({ length: 12 }, (_, i) => read(reader, `<title>${i}</title><p>x`));
    expect((await Promise.all(pages)).map(({ title }) => title)).toEqual(Array.from({ length: 12 }, (_, i) => `${i}`));
  });

  test("are rejected beyond the queue, and leave it when cancelled", async () => {
    await using reader = new DocumentReader({ processes: 1, maxWaiting: 1 });
    const stop = new AbortController();
    const first = read(reader, "<p>1");
    const second = read(reader, "<p>2", "p", stop.signal);
    await expect(read(reader, "<p>3")).rejects.toMatchObject({ code: "busy" });
    stop.abort(new Error("cancelled"));
    await expect(second).rejects.toThrow("cancelled");
    const fourth = read(reader, "<p>4");
    expect([(await first).text, (await fourth).text]).toEqual(["1", "4"]);
  });

  test("of one project do not block another project's page", async () => {
    await using reader = new DocumentReader({ processes: 1 });
    const stop = new AbortController();
    const hog = Promise.allSettled([1, 2, 3].map(async () => await read(reader, DEEP, "hog", stop.signal)));
    expect(await read(reader, "<p>Next", "other")).toMatchObject({ text: "Next" });
    stop.abort(new Error("cancelled"));
    expect((await hog).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  });
});
