/** Links to what was found become citations; ranges cut exactly the link out of the final text, wherever its deltas were cut. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ItemGrammar } from "../../src/lifecycle/event-grammar/item-grammar.ts";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import { type CitedSource, sourcesOf, withCitations } from "../../workers/citations.ts";
import { LinkScanner } from "../../workers/link-scanner.ts";
import type { Upstream, UpstreamCall, UpstreamEvent } from "../../workers/upstream.ts";

const linksOf = (...pieces: string[]) => {
  const scanner = new LinkScanner();
  return pieces.flatMap((piece) => scanner.feed(piece));
};
/** By code points, as Python cuts. */
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
    // In the middle of characters, too.
    expect(linksOf(...Array.from({ length: text.length }, (_, i) => text[i]!))).toEqual(linksOf(text));
  });

  test("takes time in proportion to the text, whatever it is", () => {
    for (const piece of ["[", "](", "[a](", "[a]((", "[a](<", '[a](u "', "![a](", "\\[", "[\n\n"]) {
      expect(linksOf(piece.repeat(500_000))).toEqual([]);
    }
  });
});

const SOURCES = new Map<string, CitedSource>(
  ["https://a.example/", "https://b.example/x?y=1", "https://w.example/a_(b)"].map((url) => {
    return [url.replace(/\/$/, ""), { url, title: `Title of ${url}` }];
  }),
);

function upstreamOf(events: readonly ItemEventDraft[]): Upstream {
  return {
    async *run() {
      yield* events;
    },
  };
}

function isItemEvent(event: UpstreamEvent): event is ItemEventDraft {
  return event.type.startsWith("response.");
}

async function cite(events: readonly ItemEventDraft[], sources = SOURCES): Promise<ItemEventDraft[]> {
  const cited: ItemEventDraft[] = [];
  const grammar = new ItemGrammar();
  const signal = new AbortController().signal;
  for await (const event of withCitations(upstreamOf(events), sources).run({} as UpstreamCall, signal)) {
    if (!isItemEvent(event)) continue;
    grammar.accept(event);
    cited.push(event);
  }
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
  test("follow the delta that completes the link, and stand in what is done", async () => {
    const deltas = ["Moss is green [A](https://a.exa", "mple/) and ", "soft [B](https://b.example/x?y=1#soft)."];
    const events = await cite(messageEvents(0, deltas));
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

  test("are none for what was not found", async () => {
    const events = messageEvents(0, ["[A](https://c.example/) [B](javascript:1) [C](https://a.example/other)"]);
    expect(await cite(events)).toEqual(events);
  });

  test("count from the beginning of their part", async () => {
    const link = "[A](https://a.example)";
    const events = await cite([
      ...messageEvents(0, [`One ${link}`], [`Two words ${link}`]),
      ...messageEvents(1, [link]),
    ]);
    expect(finalParts(events).map(({ annotations }) => annotations[0])).toMatchObject([
      { start_index: 4 },
      { start_index: 10 },
      { start_index: 0 },
    ]);
  });

  test("are made of a text that comes without deltas, and of an item that comes whole", async () => {
    const [added, partAdded, , ...done] = messageEvents(0, ["[A](https://a.example/)"]);
    const whole = messageEvents(1, ["[A](https://a.example/)"]);
    const events = await cite([added!, partAdded!, ...done, whole[0]!, whole.at(-1)!]);
    expect(finalParts(events).map(({ annotations }) => annotations.length)).toEqual([1, 1]);
    expect(events.filter(({ type }) => type === "response.output_text.annotation.added")).toHaveLength(1);
  });

  test("stand beside those that the provider makes", async () => {
    const events = messageEvents(0, ["[A](https://a.example/)", " file"]);
    const annotation = { type: "file_path" as const, file_id: "file_1", index: 3 };
    const at = { item_id: "msg_0", output_index: 0, content_index: 0 };
    events.splice(4, 0, { type: "response.output_text.annotation.added", ...at, annotation_index: 0, annotation });
    for (const event of events) {
      if (event.type === "response.content_part.done" && event.part.type === "output_text")
        event.part.annotations = [annotation];
    }
    const cited = await cite(events);
    const [part] = cited.flatMap((event) => (event.type === "response.content_part.done" ? [event.part] : []));
    expect(part).toMatchObject({ annotations: [{ type: "url_citation" }, annotation] });
  });

  test("cost nothing where nothing was found", () => {
    const upstream = upstreamOf([]);
    expect(withCitations(upstream, new Map())).toBe(upstream);
  });

  test("cut exactly their links out of any text, however it was cut into deltas", async () => {
    const urls = [...SOURCES.values()].map(({ url }) => url);
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
          // A picture is no citation: what would make one of a link is not before it.
          const links = pieces.map(([, [label, url]]) => `[${label}](${url})`);
          const text = pieces.map(([before], i) => `${before.replace(/!+$/, "")}${links[i]}`).join("");
          const places = [0, ...cuts.map((at) => at % (text.length + 1)).sort((a, b) => a - b), text.length];
          const deltas = places.slice(1).map((to, i) => text.slice(places[i], to));
          const [part] = finalParts(await cite(messageEvents(0, deltas)));
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

describe("what may be cited", () => {
  const result = (details: unknown) => ({ output: "", isError: false, details });
  const made = (name: string, details: unknown) => {
    return { call: { callId: "call_1", name, arguments: "{}" }, result: result(details), turn: "" };
  };
  const fn = (itemType: OutputItem["type"]) => ({ itemType }) as never;

  test("is what web search has found, with the best title", () => {
    const calls = new Map([
      ["ws_1", made("web_search", { sources: [{ url: "https://a.example/", title: "A" }] })],
      [
        "ws_2",
        made("open_page", {
          sources: [
            { url: "https://a.example", title: "" },
            { url: "https://b.example/#x", title: "" },
          ],
        }),
      ],
      ["ws_3", made("web_search", { sources: "none" })],
      ["mcp_1", made("read", { sources: [{ url: "https://evil.example/", title: "Evil" }] })],
      ["ws_4", made("gone", { sources: [{ url: "https://gone.example/", title: "Gone" }] })],
    ]);
    const functions = new Map([
      ["web_search", fn("web_search_call")],
      ["open_page", fn("web_search_call")],
      ["read", fn("mcp_call")],
    ]);
    expect([...sourcesOf(calls, functions)]).toEqual([
      ["https://a.example", { url: "https://a.example/", title: "A" }],
      ["https://b.example", { url: "https://b.example/#x", title: "" }],
    ]);
  });
});
