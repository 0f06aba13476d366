/**
 * Every form in which models write links, and its look-alikes; the same result for any cut of the text, in proportional
 * time.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LinkScanner } from "../../../../workers/turn/citations/link-scanner.ts";

function linksOf(...pieces: readonly string[]) {
  const scanner = new LinkScanner();
  const live = pieces.flatMap((piece) => scanner.feed(piece));
  return [...live, ...scanner.end()];
}
/** By code points, as Python slices. */
const cut = (text: string, start: number, end: number) => Array.from(text).slice(start, end).join("");
const HOSTILE_LENGTH = 300_000;
const A = "https://a.example/x";
const B = "https://b.example/y";

describe("links are found in", () => {
  test.each<[string, [link: string, url: string][]]>([
    // Bare URLs, GFM §6.9.
    [A, [[A, A]]],
    [`See ${A}.`, [[A, A]]],
    [`Is it ${A}?!`, [[A, A]]],
    [`(${A})`, [[A, A]]],
    [
      `(see ${A}), and ${B};`,
      [
        [A, A],
        [B, B],
      ],
    ],
    ["https://w.example/a_(b)", [["https://w.example/a_(b)", "https://w.example/a_(b)"]]],
    ["(https://w.example/a_(b))", [["https://w.example/a_(b)", "https://w.example/a_(b)"]]],
    [`**${A}**: text`, [[A, A]]],
    [`_${A}_`, [[A, A]]],
    [`"${A}"`, [[A, A]]],
    [`${A}&nbsp; `, [[A, A]]],
    [`${A}?a[]=1&b=2`, [[`${A}?a[]=1&b=2`, `${A}?a[]=1&b=2`]]],
    [
      `| ${A}|${B} |`,
      [
        [A, A],
        [B, B],
      ],
    ],
    [`见${A}。然后`, [[A, A]]],
    [`HTTPS://A.example/x`, [["HTTPS://A.example/x", "HTTPS://A.example/x"]]],
    [`www.a.example/x, too`, [["www.a.example/x", "http://www.a.example/x"]]],
    [`https://a.example/a\\_b\\_c`, [["https://a.example/a\\_b\\_c", "https://a.example/a_b_c"]]],
    [
      `😀 ${A} 😀 ${B}`,
      [
        [A, A],
        [B, B],
      ],
    ],
    [`xhttps://a.example`, []],
    ["https:// http://", []],
    ["ftp://a.example/x", []],
    // Autolinks.
    [`<${A}>.`, [[`<${A}>`, A]]],
    // Nothing else within links.
    [`[${A}](${A})`, [[`[${A}](${A})`, A]]],
    [`[see ${B}](${A})`, [[`[see ${B}](${A})`, A]]],
    [`[see ${B}]`, [[B, B]]],
    [`[1](see ${A})`, [[A, A]]],
    [`[A](${A} and more) text`, [[A, A]]],
    [`[open ${A}`, [[A, A]]],
    [`![${B}](${A})`, []],
    [`[A](${A} (title))`, [[`[A](${A} (title))`, A]]],
    [`[A](${A} 'title')`, [[`[A](${A} 'title')`, A]]],
    // References.
    [`[moss][1]\n\n[1]: ${A}`, [["[moss][1]", A]]],
    [`[Moss][]\n\n[moss]: ${A} "Title"`, [["[Moss][]", A]]],
    [`[moss].\n\n[MOSS]: <${A}>`, [["[moss]", A]]],
    [`[a [b] c][1]\n\n[1]: ${A}`, [["[a [b] c][1]", A]]],
    [`Green[1].\n\n[1]: ${A}\n[1]: ${B}`, [["[1]", A]]],
    [
      `Green[1][2].\n\n[1]: ${A}\n[2]: ${B}`,
      [
        ["[1]", A],
        ["[2]", B],
      ],
    ],
    [
      `Green [1, 2].\n\n[1]: ${A}\n[2]: ${B}`,
      [
        ["[1, 2]", A],
        ["[1, 2]", B],
      ],
    ],
    [
      `Green [1-2].\n\n[1]: ${A}\n[2]: ${B}`,
      [
        ["[1-2]", A],
        ["[1-2]", B],
      ],
    ],
    [
      `Green[^1] and soft[^note].\n\n[^1]: Of moss, ${A}\n[^note]: ${B}`,
      [
        ["[^1]", A],
        ["[^note]", B],
      ],
    ],
    [
      `Green【1】, soft【2†source】.\n\n【1】 ${A}\n【2】 ${B}`,
      [
        [A, A],
        [B, B],
        ["【1】", A],
        ["【2†source】", B],
      ],
    ],
    [
      `Green.¹ Soft²\n\n¹ ${A}\n² ${B}`,
      [
        [A, A],
        [B, B],
        ["¹", A],
        ["²", B],
      ],
    ],
    [
      `Green [1].\n\nSources:\n[1] Of moss: ${A}\n[2] ${B}`,
      [
        [A, A],
        [B, B],
        ["[1]", A],
      ],
    ],
    [
      `Green [1].\n\n## Sources\n\n1. [Moss](${A})\n2. ${B}`,
      [
        [`[Moss](${A})`, A],
        [B, B],
        ["[1]", A],
      ],
    ],
    [
      `Green [1].\n\n1) Moss\n   ${A}\n`,
      [
        [A, A],
        ["[1]", A],
      ],
    ],
    [
      `Green [1].\nSources: [1] ${A}, [2] ${B}`,
      [
        [A, A],
        [B, B],
        ["[1]", A],
      ],
    ],
    [
      `Green [1].\n\n- **[1]** Moss — ${A}`,
      [
        [A, A],
        ["[1]", A],
      ],
    ],
    [`[1] says so.\n\n[1]: ${A}`, [["[1]", A]]],
    [
      `1. Do ${B}\n2. Do that\n\nGreen [1].\n\n1. ${A}`,
      [
        [B, B],
        [A, A],
        ["[1]", A],
      ],
    ],
    [`Nothing refers to it.\n\n[1]: ${A}`, [[A, A]]],
    [`5 km² and 10² of them.\n\n2. ${A}`, [[A, A]]],
    ["Green [1] [2].", []],
    [`![1]\n\n[1]: ${A}`, [[A, A]]],
    // Code.
    [`\`${A}\` and ${B}`, [[B, B]]],
    [`\`[A](${A})\` and [B](${B})`, [[`[B](${B})`, B]]],
    [`\`\`a \` ${A}\`\` ${B}`, [[B, B]]],
    [`[\`code\`](${A})`, [[`[\`code\`](${A})`, A]]],
    [`an open \` and ${A}\n\nnext \``, [[A, A]]],
    [`\`\` a ${A} \` b ${B} \` c`, [[A, A]]],
    [`\\\`${A} \`${B}\``, [[A, A]]],
    [`\`\`\`js\nfetch("${A}") // [A](${A})\n\`\`\`\n${B}`, [[B, B]]],
    [`~~~\n${A}\n\`\`\`\n${A}\n~~~\n${B}`, [[B, B]]],
    [`- step:\n  \`\`\`\n  ${A}\n  \`\`\`\n- ${B}`, [[B, B]]],
    [`> \`\`\`\n> ${A}\n\n${B}`, [[B, B]]],
    [`Text:\n\n    ${A}\n\n${B}`, [[B, B]]],
    [`- item\n\n    ${A}`, [[A, A]]],
    [`\`\`\`\n${A}`, []],
    [`\`\`\`${A}\`\`\` ${B}`, [[B, B]]],
    [`- a \` b\n- ${A} \``, [[A, A]]],
    [`\`[1]\` and [1]\n\n[1]: ${A}`, [["[1]", A]]],
  ])("%j", (text, expected) => {
    const links = linksOf(text);
    expect(links.map(({ start, end, url }) => [cut(text, start, end), url])).toEqual(expected);
    expect(linksOf(...Array.from({ length: text.length }, (_, i) => text[i]!))).toEqual(links);
  });

  test("every cut of the text gives the same links", () => {
    const unit = fc.constantFrom(
      ..."a \n[]()<>`~!:.,*_\\\"'1😀é²【】#-|".split(/(?:)/u),
      A,
      B,
      "[1]",
      "[a](",
      "[1]: ",
      "```\n",
      "    ",
      "\n\n",
      "1. ",
      `](${A})`,
    );
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 60 }), fc.array(fc.nat(), { maxLength: 20 }), (text, cuts) => {
        const cutIndices = [0, ...cuts.map((at) => at % (text.length + 1)).sort((a, b) => a - b), text.length];
        const links = linksOf(text);
        expect(linksOf(...cutIndices.slice(1).map((to, i) => text.slice(cutIndices[i], to)))).toEqual(links);
        const length = Array.from(text).length;
        for (const { start, end } of links) expect(start >= 0 && start < end && end <= length).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    "[",
    "](",
    "[a](",
    "[a]((",
    "[a](<",
    '[a](u "',
    "![a](",
    "\\[",
    "[\n\n",
    "`",
    "` ",
    "`` ` ",
    "```",
    "~~~\n",
    "> ",
    "    ",
    "- ",
    "[1]",
    "[1]\n",
    "[1]: ",
    "[1]: https://a.example\n",
    "¹ ",
    "¹",
    "【",
    "【1】",
    "1. ",
    "1. https://a.example ",
    "https://",
    "www.",
    "https://a.example(",
    "https://a.example) ",
    "https://a.example[",
    "<https://",
    "https://a.example;;;;",
    "[https://a.example ![x](u) ",
    "&amp;",
    "https://a.example/&amp;&amp;",
    "😀",
    "[1-999,1-999,1-999]",
  ])("a text of %j takes proportional time", (piece) => {
    const text = piece.repeat(Math.ceil(HOSTILE_LENGTH / piece.length));
    const started = performance.now();
    const links = linksOf(text);
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(links.length).toBeLessThanOrEqual(text.length / 3);
  });

  test("runs of backticks of all lengths take proportional time", () => {
    const text = Array.from({ length: 1_400 }, (_, i) => "`".repeat(i + 1)).join(" ");
    expect(linksOf(`a ${text} ${A}`)).toHaveLength(1);
  });
});
