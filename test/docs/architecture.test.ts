/** ARCHITECTURE.md and docs/decisions/ stay short, complete and true to the tests that they name. */
import { basename } from "node:path";
import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const ARCHITECTURE = readFileSync("ARCHITECTURE.md", "utf8");
const MAX_BYTES = 20_000;
/** Pages of docs/decisions/ that hold tables instead of records. */
const WITHOUT_RECORDS = new Set(["README.md", "bounds.md", "speed.md"]);

describe("ARCHITECTURE.md", () => {
  test("stays under 20 KB", () => {
    expect(Buffer.byteLength(ARCHITECTURE)).toBeLessThan(MAX_BYTES);
  });

  test("names tests that exist", () => {
    const existing = new Set(globSync("test/**/*.{test.ts,test-d.ts}").map((file) => basename(file)));
    const named = [...ARCHITECTURE.matchAll(/`([\w.-]+\.(?:test|test-d)\.ts)`/g)].map((match) => match[1]!);
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((name) => !existing.has(name))).toEqual([]);
  });

  test("numbers its invariants without a gap", () => {
    const numbers = [...ARCHITECTURE.matchAll(/^\| (\d+) /gm)].map((match) => Number(match[1]));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});

describe("docs/decisions/", () => {
  const index = readFileSync("docs/decisions/README.md", "utf8");
  const pages = globSync("docs/decisions/*.md").filter((file) => !WITHOUT_RECORDS.has(basename(file)));

  test.each(pages)("%s has complete records, each in the index", (page) => {
    const [, ...records] = readFileSync(page, "utf8").split(/^## /m);
    expect(records.length).toBeGreaterThan(0);
    for (const record of records) {
      const heading = record.split("\n", 1)[0]!;
      expect(index).toContain(`- [${heading}](${basename(page)}#`);
      expect(record.match(/^\*\*(\w+)\.\*\* /gm)?.map((part) => part.slice(2, -4))).toEqual([
        "Context",
        "Decision",
        "Consequences",
      ]);
    }
  });
});
