import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Annotation, citeSources, FOOTNOTE_MARK } from "../../../../../src/console/page/run/citations.ts";

function citation(end_index: number, url = "https://a.example/", title = "A"): Annotation {
  return { type: "url_citation", start_index: 0, end_index, url, title };
}

const shown = (text: string, ...annotations: Annotation[]): string =>
  citeSources(text, annotations).text.replaceAll(FOOTNOTE_MARK, "[$1]");

describe("a footnote", () => {
  test("follows the passage that it belongs to", () => {
    expect(shown("One. Two.", citation(4), citation(9, "https://b.example/"))).toBe("One.[1] Two.[2]");
  });

  test("keeps its number where its source is cited again", () => {
    const cited = citeSources("One. Two.", [citation(4), citation(9)]);
    expect(cited.text.replaceAll(FOOTNOTE_MARK, "[$1]")).toBe("One.[1] Two.[1]");
    expect(cited.sources).toEqual([{ number: 1, url: "https://a.example/", title: "A" }]);
  });

  test("never splits a link", () => {
    const text = "See [here](https://a.example/long) and https://b.example/other.";
    expect(shown(text, citation(20))).toBe("See [here](https://a.example/long)[1] and https://b.example/other.");
    expect(shown(text, citation(50))).toContain("https://b.example/other.[1]");
  });

  test("of a source that is no web page is left out", () => {
    expect(citeSources("One.", [citation(4, "javascript:alert(1)"), citation(4, "data:text/html,x")])).toEqual({
      text: "One.",
      sources: [],
    });
  });

  test("cannot be forged by the text", () => {
    expect(citeSources("A\uE0001\uE001", []).text.search(FOOTNOTE_MARK)).toBe(-1);
  });

  test("changes nothing else of any text", () => {
    const annotations = fc.array(fc.record({ at: fc.integer({ min: -5, max: 60 }), page: fc.nat(3) }), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), annotations, (text, places) => {
        const all = places.map(({ at, page }) => citation(at, `https://${page}.example/`));
        expect(citeSources(text, all).text.replaceAll(FOOTNOTE_MARK, "")).toBe(
          text.replaceAll(/[\uE000\uE001]/g, "\uFFFD"),
        );
      }),
    );
  });
});
