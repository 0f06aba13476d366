/** Pages that cost too much, by design or by accident: their thread is ended, and the next page is read. */
import { setImmediate as immediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  ExtractionError,
  PageExtractor,
} from "../../../../workers/tools/web-search/page-extraction/page-extraction.ts";

const NEVER = new AbortController().signal;
const pageOf = (html: string) => ({
  bytes: new TextEncoder().encode(html),
  charset: "utf-8",
  url: "https://a.example/",
});
/** A parser's work grows with the square of the depth. */
const DEEP = `${"<div>".repeat(600_000)}deep`;

/** For cheap pages: a thread takes a while to start. */
const PLAIN = new PageExtractor({ threads: 1 });

describe("a page that costs too much", () => {
  test("times out, and the next one is read", async () => {
    const extraction = new PageExtractor({ threads: 1, timeoutMs: 1_500 });
    // The thread exists already, so the time is the page's.
    await extraction.extract("p", pageOf("<p>First"), NEVER).catch(() => {});
    const [bad, good] = await Promise.allSettled([
      extraction.extract("p", pageOf(DEEP), NEVER),
      PLAIN.extract("p", pageOf("<p>Next"), NEVER),
    ]);
    expect(bad).toMatchObject({ status: "rejected", reason: { message: "The page is too complex to read." } });
    expect(good).toMatchObject({ value: { text: "Next" } });
  });

  test("fails if it needs too much memory", async () => {
    const extraction = new PageExtractor({ threads: 1, memoryMb: 48 });
    const wide = "<p><b>x</b><i>y</i>".repeat(260_000);
    await expect(extraction.extract("p", pageOf(wide), NEVER)).rejects.toThrow(ExtractionError);
    expect(await extraction.extract("p", pageOf("<p>Next"), NEVER)).toMatchObject({ text: "Next" });
  });

  test("does not block the process", async () => {
    const extraction = new PageExtractor({ threads: 1, timeoutMs: 2_000 });
    const page = extraction.extract("p", pageOf(DEEP), NEVER).then(
      () => "page",
      () => "page",
    );
    const process = (async () => {
      for (let turn = 0; turn < 1_000; turn++) await immediate();
      return "process";
    })();
    expect(await Promise.race([page, process])).toBe("process");
    expect(await page).toBe("page");
  });
});

describe("a robots.txt that costs too much", () => {
  const A = "a".repeat(8_000);
  test.each([
    ["by its wildcards", `User-agent: *\n${`Disallow: /*${"a*".repeat(1_000)}b\n`.repeat(250)}`],
    ["by its agents", `${"User-agent: a\n".repeat(18_000)}${"Disallow:/a\n".repeat(18_000)}`],
  ])("%s, times out without blocking the process", async (_name, text) => {
    const extraction = new PageExtractor({ threads: 1, timeoutMs: 2_000 });
    const question = { source: "https://a.example/robots.txt", text, url: `https://a.example/${A}`, agent: "us" };
    const rules = extraction.isAllowedByRobots("p", question, NEVER).catch((error: unknown) => error);
    const process = (async () => {
      for (let turn = 0; turn < 1_000; turn++) await immediate();
      return "process";
    })();
    expect(await Promise.race([rules, process])).toBe("process");
    expect(await rules).toMatchObject({ message: "The site's robots.txt is too complex to read." });
  });
});

test.each([
  ["nested a thousand deep", `${"<div>".repeat(1_000)}Here`, "Here"],
  ["unclosed tags", "<p>One<p><b>Two<table><td>Three", "One\n\nTwo\n\nThree |"],
  ["nothing", "", ""],
  ["no HTML", "just words", "just words"],
  ["a frameset", "<frameset><frame src=x></frameset>", ""],
  ["entities", "<p>&lt;b&gt; &amp; &#x1F600;", "<b> & 😀"],
])("a page of %s is read", async (_name, html, text) => {
  expect((await PLAIN.extract("p", pageOf(html), NEVER)).text).toBe(text);
});

test("a text beyond the limit is truncated", async () => {
  const extraction = new PageExtractor({ threads: 1, maxTextLength: 1_000 });
  const { text } = await extraction.extract("p", pageOf(`<p>${"word ".repeat(5_000)}`), NEVER);
  expect(text.length).toBeLessThanOrEqual(1_000);
});

describe("more pages than threads", () => {
  test("wait for their turn, and are all read", async () => {
    const extraction = new PageExtractor({ threads: 2 });
    const pages = Array.from({ length: 12 }, (_, i) =>
      extraction.extract("p", pageOf(`<title>${i}</title><p>x`), NEVER),
    );
    expect((await Promise.all(pages)).map(({ title }) => title)).toEqual(Array.from({ length: 12 }, (_, i) => `${i}`));
  });

  test("are rejected beyond the queue, and leave it when cancelled", async () => {
    const extraction = new PageExtractor({ threads: 1, maxWaiting: 1 });
    const stop = new AbortController();
    const first = extraction.extract("p", pageOf("<p>1"), NEVER);
    const second = extraction.extract("p", pageOf("<p>2"), stop.signal);
    await expect(extraction.extract("p", pageOf("<p>3"), NEVER)).rejects.toThrow("Too many pages");
    stop.abort(new Error("cancelled"));
    await expect(second).rejects.toThrow("cancelled");
    const fourth = extraction.extract("p", pageOf("<p>4"), NEVER);
    expect([(await first).text, (await fourth).text]).toEqual(["1", "4"]);
  });

  test("of one project do not block another project's page", async () => {
    const extraction = new PageExtractor({ threads: 1, timeoutMs: 100_000 });
    const stop = new AbortController();
    const hog = Promise.allSettled([1, 2, 3].map(() => extraction.extract("hog", pageOf(DEEP), stop.signal)));
    expect(await extraction.extract("other", pageOf("<p>Next"), NEVER)).toMatchObject({ text: "Next" });
    stop.abort(new Error("cancelled"));
    expect((await hog).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  });

  test("free a thread when cancelled during reading", async () => {
    const extraction = new PageExtractor({ threads: 1 });
    const stop = new AbortController();
    const first = extraction.extract("p", pageOf(DEEP), stop.signal);
    stop.abort(new Error("cancelled"));
    await expect(first).rejects.toThrow("cancelled");
    expect(await extraction.extract("p", pageOf("<p>Next"), NEVER)).toMatchObject({ text: "Next" });
  });
});
