import { describe, expect, test } from "vitest";
import { drawTerminal } from "./draw-terminal.ts";
import { readTerminal } from "./read-terminal.ts";

describe("reading a terminal's output", () => {
  test("places text by row and column", () => {
    const texts = readTerminal([{ atMs: 5, text: "a\n\n  b" }]);
    expect(texts).toEqual([
      { row: 0, column: 0, text: "a", format: "plain", atMs: 5 },
      { row: 2, column: 0, text: "  b", format: "plain", atMs: 5 },
    ]);
  });

  test("keeps formats apart", () => {
    const texts = readTerminal([{ atMs: 0, text: "\u001B[1mbold\u001B[22m plain" }]);
    expect(texts.map(({ column, text, format }) => [column, text, format])).toEqual([
      [0, "bold", "bold"],
      [4, " plain", "plain"],
    ]);
  });

  test("joins what appears together", () => {
    const texts = readTerminal([
      { atMs: 0, text: "one" },
      { atMs: 100, text: " two" },
      { atMs: 900, text: " three" },
    ]);
    expect(texts.map(({ column, text, atMs }) => [column, text, atMs])).toEqual([
      [0, "one two", 0],
      [7, " three", 900],
    ]);
  });
});

describe("drawing a terminal", () => {
  test("text appears at its time", () => {
    const image = drawTerminal([{ atMs: 1_500, text: "  \u001B[32mdone\u001B[39m\n" }]);
    expect(image).toContain(
      '<text x="32.8" y="31" textLength="33.6" class="green" style="animation-delay: 1.5s">done</text>',
    );
  });

  test("markup is escaped", () => {
    expect(drawTerminal([{ atMs: 0, text: "a < b && c > d" }])).toContain(">a &lt; b &amp;&amp; c &gt; d</text>");
  });
});
