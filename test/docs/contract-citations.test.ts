/** Comments cite rules of docs/contract.md by their headings, and cite only sources in the repository. */
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");

const page = read("docs/contract.md");
/** GitHub's name of a heading's anchor. */
const anchors = [...page.matchAll(/^#{2,} (.+)$/gm)].map(([, heading]) =>
  heading!
    .toLowerCase()
    .replaceAll(" ", "-")
    .replaceAll(/[^\w-]/g, ""),
);

/** Without this file, whose patterns are not citations. */
const code = globSync("{src,workers,test}/**/*.{ts,cjs,json}", {
  cwd: ROOT,
  exclude: ["test/docs/contract-citations.test.ts"],
}).map((path) => ({
  path,
  text: read(path),
}));

/** Every match of `pattern` in the code, after the path of its file. */
function findAll(pattern: RegExp): string[] {
  return code.flatMap(({ path, text }) => [...text.matchAll(pattern)].map(([match]) => `${path}: ${match}`));
}

test("every citation names a heading of the contract", () => {
  const citations = findAll(/(?<!docs\/)\bcontract\.md(?:#[\w-]+)?/g);
  expect(citations.length).toBeGreaterThan(0);
  const known = new Set(anchors.map((anchor) => `contract.md#${anchor}`));
  expect(citations.filter((citation) => !known.has(citation.split(": ")[1]!))).toEqual([]);
});

test("every heading and link of the contract is unambiguous", () => {
  expect(anchors.filter((anchor, i) => anchors.indexOf(anchor) !== i)).toEqual([]);
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor!);
  expect(links.filter((anchor) => !anchors.includes(anchor))).toEqual([]);
});

test.each([
  ["a numbered chapter of a contract", /contract,?[\s*(]+0\d\b/gi],
  ["a row of a table", /\((?:[^()\n]*, )?rows? \d+/g],
  ["a chapter and section", /\b0\d,? §/g],
  ["a promise by its number alone", /\(promises? \d/gi],
  ["a file of data that does not exist", /\b(?:errors|events)\.json\b/g],
])("no comment cites %s", (_what, pattern) => {
  expect(findAll(pattern)).toEqual([]);
});
