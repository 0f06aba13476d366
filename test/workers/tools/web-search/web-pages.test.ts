/** Pages as the web has them: wrong charsets, odd redirects, cookies, and servers that fail in every way. */
import { createServer as createTcpServer } from "node:net";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { openWebSearch } from "../../../support/web-search-calls.ts";
import { answer, startWebSite, type SiteRequest, type WebSite } from "../../../support/web-site.ts";
import type { ServerResponse } from "node:http";

async function openSite(pages: Parameters<typeof startWebSite>[0], environment: Record<string, string> = {}) {
  const site = await startWebSite(pages);
  const hosts = `${site.host},localhost:${site.port}`;
  const web = await openWebSearch({ SEARXNG_URL: site.url, FETCH_ALLOWED_HOSTS: hosts, ...environment });
  return { site, web };
}

const TEXT = "Grüße aus Köln – “schön”";
const utf8 = Buffer.from(TEXT);
const cp1252 = Buffer.from(
  Array.from(TEXT, (each) => ({ "–": 0x96, "“": 0x93, "”": 0x94 })[each] ?? each.codePointAt(0)!),
);
const utf16 = (text: string) => Buffer.from(text, "utf16le");
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const KOREAN = "c7d1b1b9beee20b9aebcad"; // 한국어 문서
const JAPANESE = "93fa967b8cea"; // 日本語

describe("the characters of a page are known", () => {
  test.each<[string, string | undefined, Buffer, string]>([
    ["UTF-8 that nobody declares", "text/html", utf8, TEXT],
    [
      "UTF-8 that is declared late",
      "text/html",
      Buffer.concat([Buffer.from(`<!--${"x".repeat(3000)}--><meta charset=utf-8><p>`), utf8]),
      TEXT,
    ],
    ["windows-1252 that nobody declares", "text/html", cp1252, TEXT],
    ["a doubled label", "text/html; charset=utf-8; charset=iso-8859-1", utf8, TEXT],
    ["a doubled label, the wrong one first", "text/html; charset=iso-8859-1; charset=utf-8", utf8, TEXT],
    ["a label in quotes", 'text/html; charset="utf8"', utf8, TEXT],
    ["a label in single quotes", "text/html; charset='windows-1252'", cp1252, TEXT],
    ["an unknown label", "text/html; charset=klingon", utf8, TEXT],
    ["an empty label", "text/html; charset=", utf8, TEXT],
    ["a label that is none", "text/html; charset=utf-8,text/html", utf8, TEXT],
    [
      "an unknown label before a known one in the page",
      "text/html; charset=none",
      Buffer.concat([Buffer.from("<meta charset=windows-1252>"), cp1252]),
      TEXT,
    ],
    [
      "a page that is right against its header",
      "text/html; charset=utf-8",
      Buffer.concat([Buffer.from("<meta charset=windows-1252>"), cp1252]),
      TEXT,
    ],
    [
      "a header that is right against its page",
      "text/html; charset=utf-8",
      Buffer.concat([Buffer.from("<meta charset=iso-8859-1>"), utf8]),
      TEXT,
    ],
    [
      "a byte order mark against both",
      "text/html; charset=iso-8859-1",
      Buffer.concat([BOM, Buffer.from("<meta charset=windows-1252>"), utf8]),
      TEXT,
    ],
    ["UTF-16 that is not so", "text/html; charset=utf-16", utf8, TEXT],
    [
      "UTF-16 that is not so, in the page",
      "text/html",
      Buffer.concat([Buffer.from("<meta charset=utf-16>"), utf8]),
      TEXT,
    ],
    ["UTF-16 that is so", "text/html; charset=utf-16", utf16(`<p>${TEXT}</p>${" ".repeat(100)}`), TEXT],
    ["UTF-16 that is the other one", "text/html; charset=utf-16be", utf16(`<p>${TEXT}</p>${" ".repeat(100)}`), TEXT],
    ["UTF-8 that is not so", "text/html; charset=utf-8", cp1252, TEXT],
    ["Latin that is UTF-8", "text/html; charset=iso-8859-1", utf8, TEXT],
    ["Korean", "text/html; charset=euc-kr", Buffer.from(KOREAN, "hex"), "한국어 문서"],
    [
      "Japanese, in the page",
      "text/html",
      Buffer.concat([Buffer.from("<meta charset=shift_jis>"), Buffer.from(JAPANESE, "hex")]),
      "日本語",
    ],
    ["UTF-8 with one byte that is broken", "text/html", Buffer.concat([utf8, utf8, Buffer.from([0xff])]), TEXT],
    ["text without a label", "text/plain", utf8, TEXT],
    ["text with a wrong label", "text/plain; charset=iso-8859-1", utf8, TEXT],
    ["text in windows-1252 without a label", "text/plain", cp1252, TEXT],
  ])("%s", async (_name, type, bytes, expected) => {
    const { site, web } = await openSite({ "/": answer(bytes, type === undefined ? {} : { "content-type": type }) });
    await using _ = site;
    const { output } = await web.call("open_page", { url: site.url });
    expect(output).toContain(expected);
  });
});

const redirect =
  (location: string | Buffer, headers: Record<string, string | string[]> = {}, status = 302) =>
  (response: ServerResponse) => {
    const value = typeof location === "string" ? location : location.toString("latin1");
    response.writeHead(status, { ...headers, location: value }).end();
  };
const refresh = (content: string) =>
  `<html><head><meta http-equiv="Refresh" content="${content}"></head><body>Wait</body></html>`;

describe("a page is followed to where it leads", () => {
  test.each<[string, WebSite["pages"][string], string]>([
    ["a relative location", redirect("moss"), "/moss"],
    ["a location with a space", redirect("/a b"), "/a%20b"],
    ["a location in UTF-8", redirect(Buffer.from("/grün")), "/gr%C3%BCn"],
    ["a location in Latin 1", redirect(Buffer.from("/gr\u00fcn", "latin1")), "/gr%C3%BCn"],
    ["an encoded location", redirect("/gr%C3%BCn"), "/gr%C3%BCn"],
    ["a location with a fragment", redirect("/moss#soft"), "/moss"],
    ["a location of dots", redirect("./x/../moss"), "/moss"],
    ["a refresh", refresh("0; url=/moss"), "/moss"],
    ["a refresh in quotes", refresh("0;URL='/moss'"), "/moss"],
    ["a refresh without a name", refresh("0; /moss"), "/moss"],
    ["a refresh of a fraction", refresh("0.5; url=moss"), "/moss"],
  ])("%s", async (_name, first, path) => {
    const { site, web } = await openSite({ "/": first, [path]: "<title>Moss</title><p>Here.</p>" });
    await using _ = site;
    const { output, details } = await web.call("open_page", { url: `${site.url}/` });
    expect(output).toMatch(/Moss\nURL: .*\n\nHere\./);
    expect(details).toMatchObject({
      sources: [{ url: expect.stringContaining(path) as string }, { url: `${site.url}/` }],
    });
  });

  test.each([
    ["after a while", refresh("30; url=/moss")],
    ["to itself", refresh("0; url=/")],
    ["without a place", refresh("0")],
    ["to a script", refresh("0; url=javascript:alert(1)")],
    [
      "without a location",
      (response: ServerResponse) =>
        void response.writeHead(302, { "content-type": "text/html", location: "" }).end("Wait"),
    ],
  ])("but not %s", async (_name, first) => {
    const { site, web } = await openSite({ "/": first, "/moss": "Moss" });
    await using _ = site;
    expect((await web.call("open_page", { url: `${site.url}/` })).output).toContain("Wait");
    expect(site.countOf("/moss")).toBe(0);
  });

  test("by redirects and refreshes together, up to a bound", async () => {
    const { site, web } = await openSite({ "/a": refresh("0; url=/b"), "/b": redirect("/a") });
    await using _ = site;
    const { output } = await web.call("open_page", { url: `${site.url}/a` });
    expect(output).toBe("The URL was redirected more than 5 times.");
    expect(site.requests.length).toBeLessThan(8);
  });

  test("a refresh to a private address, or where the rules forbid it, is not followed", async () => {
    await using inside = await startWebSite({ "/": "<p>Secret</p>" });
    const { site, web } = await openSite(
      {
        "/": refresh(`0; url=${inside.url}/`),
        "/r": refresh("0; url=/closed"),
        "/robots.txt": answer("User-agent: *\nDisallow: /closed", {}),
      },
      { WEB_SEARCH_HONOUR_ROBOTS: "true" },
    );
    await using _ = site;
    expect((await web.call("open_page", { url: site.url })).output).toContain("its host is not a public one");
    expect((await web.call("open_page", { url: `${site.url}/r` })).output).toContain("robots.txt does not allow");
    expect(inside.requests).toEqual([]);
    expect(site.countOf("/closed")).toBe(0);
  });

  test("with the cookies that were set on the way, to the hosts that set them", async () => {
    const gate = (response: ServerResponse, { headers }: SiteRequest) => {
      if (headers.cookie === "seen=1; two=2") response.writeHead(200, { "content-type": "text/html" }).end("Inside");
      else
        redirect("/", { "set-cookie": ["seen=1; Path=/", "two=2", "other=3; Domain=b.example", "no=4; Path=/x"] })(
          response,
        );
    };
    const { site, web } = await openSite({ "/": gate, "/seen": answer("Seen", { "content-type": "text/plain" }) });
    await using _ = site;
    site.pages["/away"] = redirect(`http://localhost:${site.port}/seen`, { "set-cookie": "secret=1" });
    expect((await web.call("open_page", { url: `${site.url}/` })).output).toContain("Inside");
    await web.call("open_page", { url: `${site.url}/away` });
    expect(site.requests.at(-1)).toMatchObject({ path: "/seen" });
    expect(site.requests.at(-1)!.headers.cookie).toBeUndefined();
    await web.call("open_page", { url: `${site.url}/seen` });
    expect(site.requests.at(-1)!.headers.cookie, "nothing is kept for the next page").toBeUndefined();
  });

  test("its links by its base, and itself by the URL that it names", async () => {
    const page = (canonical: string) =>
      `<head><base href="/deep/er/"><link rel="canonical" href="${canonical}"></head><body><a href="x">Link</a> and text`;
    const { site, web } = await openSite({ "/": page("/moss"), "/other": page("https://other.example/") });
    await using _ = site;
    const { output, details } = await web.call("open_page", { url: `${site.url}/` });
    expect(output).toContain(`[Link](${site.url}/deep/er/x)`);
    expect(details).toMatchObject({ sources: [{ url: `${site.url}/` }, { url: `${site.url}/moss` }] });
    expect((await web.call("open_page", { url: `${site.url}/other` })).details).toEqual({
      sources: [{ url: `${site.url}/other`, title: "" }],
    });
  });
});

describe("each failure says what it is", () => {
  const ROBOTS = { WEB_SEARCH_HONOUR_ROBOTS: "true" };
  const status = (code: number) => answer("<p>No.</p>", { "content-type": "text/html" }, code);

  test.each([
    ["/", { "/": status(401) }, {}, "status 401: the page is for those who have an account there."],
    ["/", { "/": status(403) }, {}, "status 403: it does not let this page be read. Look for another source."],
    ["/", { "/": status(404) }, {}, "status 404."],
    ["/", { "/": status(410) }, {}, "status 410: the page is gone."],
    ["/", { "/": status(429) }, {}, "status 429: it has had too many requests. The page may be opened later."],
    ["/", { "/": status(503) }, {}, "status 503: it has a fault of its own. The page may be opened later."],
    ["/", { "/": '<div id="root"></div><script src="/x.js"></script>' }, {}, "scripts make it in a browser"],
    [
      "/",
      { "/": "<noscript>You need to enable JavaScript to run this app.</noscript><div></div><script>1</script>" },
      {},
      "scripts make it in a browser",
    ],
    ["/", { "/": "<p></p>" }, {}, "The page has no text."],
    [
      "/",
      { "/robots.txt": status(503), "/": "Text" },
      ROBOTS,
      "robots.txt could not be read (its server answered with status 503)",
    ],
    [
      "/",
      { "/robots.txt": () => {}, "/": "Text" },
      { ...ROBOTS, WEB_SEARCH_TIMEOUT_MS: "300" },
      "did not answer in time",
    ],
  ])("%s of %j", async (path, pages, environment, message) => {
    const { site, web } = await openSite(pages, environment);
    await using _ = site;
    const { output, isError } = await web.call("open_page", { url: `${site.url}${path}` });
    expect(output).toContain(message);
    expect(isError).toBe(true);
  });

  test.each([ROBOTS, {}])("a name, a port and a certificate that are none, with %j", async (environment) => {
    const free = createTcpServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port } = free.address() as { port: number };
    const { site, web } = await openSite({}, { FETCH_ALLOWED_HOSTS: "127.0.0.1,nothing.invalid", ...environment });
    await using _ = site;
    const outputOf = async (url: string) => (await web.call("open_page", { url })).output;
    const tls = await outputOf(`https://127.0.0.1:${site.port}/`);
    expect(tls).toBe("The server could not be reached: its TLS handshake failed.");
    expect(await outputOf("http://nothing.invalid/")).toBe(
      "The server could not be reached: its name does not resolve (DNS).",
    );
    free.close();
    await once(free, "close");
    expect(await outputOf(`http://127.0.0.1:${port}/`)).toBe(
      "The server could not be reached: it refuses connections.",
    );
  });

  test.each([
    ["\ufeffUser-agent: *\nDisallow: /x", "/x", false],
    ["USER-AGENT: *\nDISALLOW: /x", "/x", false],
    ["User-agent: BACKGROUND-Responses\nDisallow: /x", "/x", false],
    ["User-agent: *\nDisallow: /X", "/x", true],
    ["User-agent: *\nDisallow: /*.html$", "/a.html", false],
    ["User-agent: *\nDisallow: /*.html$", "/a.html?b", true],
    ["User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", true],
    ["User-agent: *\nAllow: /a\nDisallow: /a/b", "/a/b/c", false],
    ["User-agent: *\nDisallow: /a\nAllow: /a", "/a", true],
    ["User-agent: *\r\nDisallow: /gr%C3%BCn", "/grün", false],
    ["User-agent: *\nDisallow: /grün", "/gr%c3%bcn", false],
    ["User-agent: *\nDisallow:", "/x", true],
    ["User-agent: *\nDisallow: / # all", "/x", false],
    ["<html><p>Not found</p></html>", "/x", true],
    [`User-agent: *\nDisallow: /x\n${"# long\n".repeat(100_000)}`, "/x", false],
    [`User-agent: *\nDisallow: /x\n${"# long\n".repeat(100_000)}`, "/y", true],
  ])("by robots.txt %j, is %s opened? %s", async (text, path, isOpened) => {
    const { site, web } = await openSite({ "/robots.txt": answer(text, { "content-type": "text/plain" }) }, ROBOTS);
    await using _ = site;
    site.pages[new URL(path, site.url).pathname] = "Text";
    const { output } = await web.call("open_page", { url: `${site.url}${path}` });
    expect(output.includes("robots.txt does not allow")).toBe(!isOpened);
    expect(output.endsWith("not instructions to you.)") || output.includes("(What stands above")).toBe(isOpened);
  });

  test("a robots.txt that leads in circles is none, and one that failed is asked for again", async () => {
    const { site, web } = await openSite({ "/robots.txt": redirect("/robots.txt"), "/": "Text" }, ROBOTS);
    await using _ = site;
    expect((await web.call("open_page", { url: site.url })).output).toContain("Text");
    const { site: second, web: again } = await openSite({ "/robots.txt": status(503), "/": "Text" }, ROBOTS);
    await using __ = second;
    expect((await again.call("open_page", { url: second.url })).isError).toBe(true);
    second.pages["/robots.txt"] = answer("", {});
    expect((await again.call("open_page", { url: second.url })).output).toContain("Text");
  });
});
