/** The operator's pages name files of the repository: tests that guard a claim, and files to copy. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const PAGES = ["security", "redis", "operations", "troubleshooting", "limits"].map((name) => `docs/${name}.md`);

test.each(PAGES)("%s names files that exist", (page) => {
  const text = readFileSync(page, "utf8");
  const named = [...text.matchAll(/`((?:src|workers|test)\/[\w./-]+)`/g)].map((match) => match[1]!);
  expect(named.filter((file) => !existsSync(file))).toEqual([]);
});

test("docs/security.md names a test for most claims", () => {
  const named = [...readFileSync("docs/security.md", "utf8").matchAll(/`(test\/[\w./-]+)`/g)].map((match) => match[1]!);
  expect(new Set(named).size).toBeGreaterThan(15);
  expect(globSync("test/**/*.test.ts")).toEqual(expect.arrayContaining(named));
});
