/**
 * Links to found pages become citations; ranges cut exactly the link out of the final text, for any cut into deltas.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ItemGrammar } from "../../../../src/lifecycle/event-grammar/item-grammar.ts";
import type { ItemEventDraft } from "../../../../src/protocol/event.ts";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import { TOOL_ITEMS } from "../../../../workers/tools/registry.ts";
import type { CitedSource } from "../../../../workers/tools/tool-items.ts";
import { CitablePages, collectCitablePages } from "../../../../workers/turn/citations/citable-pages.ts";
import { CitationAnnotator, createCitationAnnotator } from "../../../../workers/turn/citations/citations.ts";
import { LinkScanner } from "../../../../workers/turn/citations/link-scanner.ts";

const linksOf = (...pieces: string[]) => {
  const scanner = new LinkScanner();
  return pieces.flatMap((piece) => scanner.feed(piece));
};
/** By code points, as Python slices. */
const cut = (text: string, start: number, end: number) => Array.from(text).slice(start, end).join("");

describe("links", () => {
  test.each<[string, [link: string, url: string][]]>([
    ["See [A](https://a.example).", [["[A](https://a.example)", "https://a.example"]]],
    ["([A](https://a.example))", [["[A](https://a.example)", "https://a.example"]]],
    [
      "[A](u1)[B](u2)",
      [
        ["[A](u1)", "u1"],
        ["[B](u2)", "u2"],
      ],
    ],
    ["[[1]](u)", [["[[1]](u)", "u"]]],
    ["[a [b] c](u)", [["[a [b] c](u)", "u"]]],
    ["[a [b](u1) c](u2)", [["[b](u1)", "u1"]]],
    ["[A](https://w.example/a_(b)_c)", [["[A](https://w.example/a_(b)_c)", "https://w.example/a_(b)_c"]]],
    ["[A](<https://a.example/x y>)", [["[A](<https://a.example/x y>)", "https://a.example/x y"]]],
    ['[A](u "Title (of it)")', [['[A](u "Title (of it)")', "u"]]],
    ["[A]( u )", [["[A]( u )", "u"]]],
    ["😀 [é😀](u)", [["[é😀](u)", "u"]]],
    ["\\[A](u) [B](u)", [["[B](u)", "u"]]],
    ["[A\\](u) [B](u2)", [["[B](u2)", "u2"]]],
    ["[A]\\(u) [B] (u) [C]", []],
    ["![A](u)", []],
    ["[![A](u1)](u2)", [["[![A](u1)](u2)", "u2"]]],
    ["[A](u [B](u2)", [["[B](u2)", "u2"]]],
    ["[A](u words) [B](u2)", [["[B](u2)", "u2"]]],
    ["[A\n\nB](u)", []],
    ["[A\nB](u)", [["[A\nB](u)", "u"]]],
    ["[A](u\nv)", []],
    ["] [ ) ( [A](", []],
    ["[A]()", [["[A]()", ""]]],
  ])("%j", (text, expected) => {
    expect(linksOf(text).map(({ start, end, url }) => [cut(text, start, end), url])).toEqual(expected);
    expect(linksOf(...Array.from(text))).toEqual(linksOf(text));
    // Also inside characters.
    expect(linksOf(...Array.from({ length: text.length }, (_, i) => text[i]!))).toEqual(linksOf(text));
  });

  test("take time proportional to any text's length", () => {
    for (const piece of ["[", "](", "[a](", "[a]((", "[a](<", '[a](u "', "![a](", "\\[", "[\n\n"]) {
      expect(linksOf(piece.repeat(500_000))).toEqual([]);
    }
  });
});

function pagesOf(...sources: readonly CitedSource[]): CitablePages {
  const pages = new CitablePages();
  for (const source of sources) pages.add(source);
  return pages;
}

const URLS = ["https://a.example/", "https://b.example/x?y=1", "https://w.example/a_(b)"];
const SOURCES = pagesOf(...URLS.map((url) => ({ url, title: `Title of ${url}` })));

function cite(events: readonly ItemEventDraft[], sources = SOURCES): ItemEventDraft[] {
  const annotator = new CitationAnnotator(sources);
  const cited = events.flatMap((event) => annotator.accept(event));
  const grammar = new ItemGrammar();
  for (const event of cited) grammar.accept(event);
  return cited;
}

type Part = Extract<OutputItem, { type: "message" }>["content"][number];

function messageEvents(output_index: number, ...parts: readonly (readonly string[])[]): ItemEventDraft[] {
  const item_id = `msg_${output_index}`;
  const content = parts.map((deltas): Part => ({ type: "output_text", text: deltas.join(""), annotations: [] }));
  const item = { type: "message", id: item_id, role: "assistant" } as const;
  return [
    { type: "response.output_item.added", output_index, item: { ...item, status: "in_progress", content: [] } },
    ...parts.flatMap((deltas, content_index): ItemEventDraft[] => {
      const at = { item_id, output_index, content_index };
      const text = deltas.join("");
      return [
        { type: "response.content_part.added", ...at, part: { type: "output_text", text: "", annotations: [] } },
        ...deltas.map((delta) => ({ type: "response.output_text.delta" as const, ...at, delta, logprobs: [] })),
        { type: "response.output_text.done", ...at, text, logprobs: [] },
        { type: "response.content_part.done", ...at, part: { type: "output_text", text, annotations: [] } },
      ];
    }),
    { type: "response.output_item.done", output_index, item: { ...item, status: "completed", content } },
  ];
}

const finalParts = (events: readonly ItemEventDraft[]) =>
  events.flatMap((event) =>
    event.type === "response.output_item.done" && event.item.type === "message" ? event.item.content : [],
  ) as Extract<Part, { type: "output_text" }>[];

describe("citations", () => {
  test("follow the delta that completes the link, and are in the done events", async () => {
    const deltas = ["Moss is green [A](https://a.exa", "mple/) and ", "soft [B](https://b.example/x?y=1#soft)."];
    const events = cite(messageEvents(0, deltas));
    expect(events.map(({ type }) => type.replace("response.", ""))).toEqual([
      "output_item.added",
      "content_part.added",
      "output_text.delta",
      "output_text.delta",
      "output_text.annotation.added",
      "output_text.delta",
      "output_text.annotation.added",
      "output_text.done",
      "content_part.done",
      "output_item.done",
    ]);
    const [part] = finalParts(events);
    expect(part!.annotations).toEqual([
      {
        type: "url_citation",
        url: "https://a.example/",
        title: "Title of https://a.example/",
        start_index: 14,
        end_index: 37,
      },
      {
        type: "url_citation",
        url: "https://b.example/x?y=1#soft",
        title: "Title of https://b.example/x?y=1",
        start_index: 47,
        end_index: 80,
      },
    ]);
    const added = events.flatMap((event) => (event.type === "response.output_text.annotation.added" ? [event] : []));
    expect(added.map(({ annotation_index, annotation }) => [annotation_index, annotation])).toEqual([
      ...part!.annotations.entries(),
    ]);
    expect(events.find(({ type }) => type === "response.content_part.done")).toMatchObject({ part });
  });

  test("ignore pages that were not found", async () => {
    const events = messageEvents(0, ["[A](https://c.example/) [B](javascript:1) [C](https://a.example/other)"]);
    expect(cite(events)).toEqual(events);
  });

  test("count from the start of their part", async () => {
    const link = "[A](https://a.example)";
    const events = cite([...messageEvents(0, [`One ${link}`], [`Two words ${link}`]), ...messageEvents(1, [link])]);
    expect(finalParts(events).map(({ annotations }) => annotations[0])).toMatchObject([
      { start_index: 4 },
      { start_index: 10 },
      { start_index: 0 },
    ]);
  });

  test("come from texts without deltas and from whole items", async () => {
    const [added, partAdded, , ...done] = messageEvents(0, ["[A](https://a.example/)"]);
    const whole = messageEvents(1, ["[A](https://a.example/)"]);
    const events = cite([added!, partAdded!, ...done, whole[0]!, whole.at(-1)!]);
    expect(finalParts(events).map(({ annotations }) => annotations.length)).toEqual([1, 1]);
    expect(events.filter(({ type }) => type === "response.output_text.annotation.added")).toHaveLength(1);
  });

  test("join those that the provider adds", async () => {
    const events = messageEvents(0, ["[A](https://a.example/)", " file"]);
    const annotation = { type: "file_path" as const, file_id: "file_1", index: 3 };
    const at = { item_id: "msg_0", output_index: 0, content_index: 0 };
    events.splice(4, 0, { type: "response.output_text.annotation.added", ...at, annotation_index: 0, annotation });
    for (const event of events) {
      if (event.type === "response.content_part.done" && event.part.type === "output_text")
        event.part.annotations = [annotation];
    }
    const cited = cite(events);
    const [part] = cited.flatMap((event) => (event.type === "response.content_part.done" ? [event.part] : []));
    expect(part).toMatchObject({ annotations: [{ type: "url_citation" }, annotation] });
  });

  test("cost nothing if nothing was found", () => {
    expect(createCitationAnnotator(new CitablePages())).toBeUndefined();
  });

  test("cut exactly their links out of any text and deltas", async () => {
    const urls = URLS;
    const prose = fc.string({
      unit: fc.constantFrom("a", " ", "é", "😀", "\n", "(", ")", "!", '"', "-", "[", "]"),
      maxLength: 12,
    });
    const link = fc.tuple(
      fc.string({ unit: fc.constantFrom("b", "😀", " ", "é"), maxLength: 5 }),
      fc.constantFrom(...urls),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(prose, link), { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        async (pieces, cuts) => {
          // An image is no citation, so no "!" may precede a link.
          const links = pieces.map(([, [label, url]]) => `[${label}](${url})`);
          const text = pieces.map(([before], i) => `${before.replace(/!+$/, "")}${links[i]}`).join("");
          const cutIndices = [0, ...cuts.map((at) => at % (text.length + 1)).sort((a, b) => a - b), text.length];
          const deltas = cutIndices.slice(1).map((to, i) => text.slice(cutIndices[i], to));
          const [part] = finalParts(cite(messageEvents(0, deltas)));
          expect(part!.text).toBe(text);
          const citations = part!.annotations.flatMap((each) => (each.type === "url_citation" ? [each] : []));
          expect(citations.map(({ start_index, end_index }) => cut(text, start_index, end_index))).toEqual(links);
          expect(citations.map(({ url }) => url)).toEqual(pieces.map(([, [, url]]) => url));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("a link is cited", () => {
  const citedIn = async (text: string, ...sources: readonly CitedSource[]) => {
    const [part] = finalParts(cite(messageEvents(0, [text]), pagesOf(...sources)));
    return part!.annotations.flatMap((each) =>
      each.type === "url_citation" ? [[cut(text, each.start_index, each.end_index), each.url]] : [],
    );
  };

  test.each([
    ["https://a.example/caf%C3%A9", "https://a.example/caf%c3%a9"],
    ["https://a.example/caf%C3%A9", "https://a.example/café"],
    ["https://a.example/a%28b%29", "https://a.example/a(b)"],
    ["https://a.example/~x", "https://a.example/%7Ex"],
    ["https://a.example/?q=a+b", "https://a.example/?q=a%20b"],
    ["https://a.example/?a=1&b=2", "https://a.example/?a=1&amp;b=2"],
    ["https://a.example/x", "https://a.example/x?utm_source=openai&utm_medium=chat"],
    ["https://a.example/x?id=1", "https://a.example/x?gclid=1&id=1&fbclid=2"],
    ["https://a.example/x?utm_source=feed", "https://a.example/x"],
    ["https://a.example/x", "http://a.example/x"],
    ["http://www.a.example/x", "https://a.example/x/"],
    ["https://a.example/x/", "https://A.EXAMPLE:443/x"],
    ["https://a.example./x", "https://a.example/x"],
    ["https://xn--mller-kva.example/x", "https://müller.example/x"],
    ["https://a.example/x/../y", "https://a.example/y"],
    ["https://a.example/x?", "https://a.example/x"],
  ])("of %s, written as %s", async (url, written) => {
    expect(await citedIn(`See [A](${written}).`, { url, title: "" })).toEqual([[`[A](${written})`, url]]);
    expect(await citedIn(`See ${written} here.`, { url, title: "" })).toEqual([[written, url]]);
    expect(await citedIn(`See [1].\n\n[1]: ${written}`, { url, title: "" })).toEqual([["[1]", url]]);
  });

  test.each([
    ["https://a.example/x", "https://a.example/y"],
    ["https://a.example/a%2Fb", "https://a.example/a/b"],
    ["https://a.example/X", "https://a.example/x"],
    ["https://a.example/?id=1", "https://a.example/?id=2"],
    ["https://a.example/", "https://a.example:8443/"],
    ["https://a.example/", "https://b.a.example/"],
    ["https://a.example/", "https://a.example.evil.example/"],
    ["https://a.example/", "ftp://a.example/"],
  ])("not of %s, which is %s", async (url, written) => {
    expect(await citedIn(`See [A](${written}) and ${written} here.`, { url, title: "" })).toEqual([]);
  });

  test("as the page with its exact URL, if that was read too", async () => {
    const pages = ["http://a.example/x", "https://www.a.example/x"].map((url) => ({ url, title: url }));
    expect(await citedIn("[A](https://www.a.example/x)", ...pages)).toEqual([
      ["[A](https://www.a.example/x)", "https://www.a.example/x"],
    ]);
  });

  test("in any spelling of its URL", async () => {
    const encoded = (url: string) =>
      url.replace(/[a-z](?=[^/]*$)/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
    const spellings: ((url: string) => string)[] = [
      (url) => url.replace("https:", "http:"),
      (url) => url.replace("//", "//www."),
      (url) => url.replace("example", "EXAMPLE"),
      (url) => `${url}/`,
      (url) => `${url}#part`,
      (url) => `${url}?utm_campaign=x`,
      encoded,
    ];
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[a-z]{1,8}$/), fc.subarray(spellings), async (path, some) => {
        const url = `https://a.example/p/${path}`;
        const order = spellings.filter((each) => some.includes(each));
        const written = [...order].sort((a, b) => Number(a === encoded) - Number(b === encoded));
        const link = (
          written.includes(encoded) ? [encoded, ...order.filter((each) => each !== encoded)] : order
        ).reduce((text, spell) => (spell(text).includes("#part?") ? text : spell(text)), url);
        expect((await citedIn(`[A](${link})`, { url, title: "" })).length).toBe(1);
      }),
      { numRuns: 200 },
    );
  });

  test("the same for every cut of the text", async () => {
    const text =
      "😀 [A][1] `https://a.example/` https://a.example/, <https://b.example/x?y=1> [2][1]\n\n[1]: https://a.example/\n2. https://b.example/x?y=1";
    const whole = finalParts(cite(messageEvents(0, [text])))[0]!;
    expect(whole.annotations.length).toBe(6);
    const pieces = Array.from({ length: text.length }, (_, i) => text[i]!);
    const events = cite(messageEvents(0, pieces));
    expect(finalParts(events)[0]).toEqual(whole);
    const types = events.map(({ type }) => type);
    expect(types.lastIndexOf("response.output_text.annotation.added")).toBeLessThan(
      types.indexOf("response.output_text.done"),
    );
  });

  test("once if the provider cites it too", async () => {
    const text = "[A](https://a.example/)";
    const events = messageEvents(0, [text]);
    const annotation = {
      type: "url_citation" as const,
      url: "https://a.example/",
      title: "A",
      start_index: 0,
      end_index: 23,
    };
    const at = { item_id: "msg_0", output_index: 0, content_index: 0 };
    events.splice(3, 0, { type: "response.output_text.annotation.added", ...at, annotation_index: 0, annotation });
    for (const event of events) {
      if (event.type === "response.content_part.done" && event.part.type === "output_text")
        event.part.annotations = [annotation];
    }
    const cited = cite(events);
    expect(cited.filter(({ type }) => type === "response.output_text.annotation.added")).toHaveLength(1);
    const [part] = cited.flatMap((event) => (event.type === "response.content_part.done" ? [event.part] : []));
    expect(part).toMatchObject({ annotations: [{ title: "Title of https://a.example/" }] });
  });
});

describe("a citable page", () => {
  const fetchCall = (name: string, details: unknown, isError = false) => {
    return { call: { callId: "call_1", name, arguments: "{}" }, result: { output: "", isError, details }, turn: "" };
  };
  const source = (url: string, title = "") => ({ sources: [{ url, title }] });

  test("was opened or fetched, not only listed", () => {
    const pages = collectCitablePages(
      TOOL_ITEMS,
      new Map([
        ["ws_1", fetchCall("web_search", source("https://a.example/", "A"))],
        ["ws_2", fetchCall("open_page", source("https://a.example"))],
        ["ws_3", fetchCall("find_in_page_2", source("https://b.example/#x"))],
        ["ws_4", fetchCall("web_search", source("https://listed.example/", "Listed"))],
        ["ws_5", fetchCall("open_page", { sources: "none" })],
        ["ws_6", fetchCall("open_page", source("https://failed.example/"), true)],
        ["mcp_1", fetchCall("docs__fetch", source("https://d.example/", "D"))],
        ["ci_1", fetchCall("python", source("https://evil.example/", "Evil"))],
      ]),
      [],
    );
    expect(pages.find("https://a.example")).toEqual({ url: "https://a.example", title: "A" });
    expect(pages.find("https://b.example/")).toEqual({ url: "https://b.example/#x", title: "" });
    expect(pages.find("https://d.example/")).toEqual({ url: "https://d.example/", title: "D" });
    for (const name of ["listed", "evil", "failed"]) expect(pages.find(`https://${name}.example/`)).toBeUndefined();
  });

  test("was opened or fetched in the client's own items", () => {
    const output = JSON.stringify({ id: "1", title: "D", text: "…", url: "https://d.example/" });
    const call = { type: "mcp_call" as const, id: "mcp_9", server_label: "docs", arguments: "{}", output, error: null };
    const opened = { type: "web_search_call" as const, id: "ws_9", status: "completed" as const };
    const pages = collectCitablePages(TOOL_ITEMS, new Map(), [
      { ...call, name: "fetch", approval_request_id: null },
      { ...opened, action: { type: "open_page", url: "https://o.example/" } },
      { ...opened, action: { type: "search", query: "x", sources: [{ type: "url", url: "https://l.example/" }] } },
    ]);
    expect(pages.find("https://d.example/")).toEqual({ url: "https://d.example/", title: "D" });
    expect(pages.find("https://o.example/")).toEqual({ url: "https://o.example/", title: "" });
    expect(pages.find("https://l.example/")).toBeUndefined();
  });
});
