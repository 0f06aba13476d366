/** docs/limits.md names every setting that is a limit. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { SETTINGS } from "../../src/config/config.ts";

/** Parts of the names of limits. */
const BOUND = /MAX|LIMIT|SECONDS|TIMEOUT|BYTES|MEMORY|CONCURRENCY|PROCESSES|KEEP_ALIVE|GRACE/;

test("every limit has its row, and every row is a setting", async () => {
  const page = await readFile(new URL("../../docs/limits.md", import.meta.url), "utf8");
  const rows = page.split("## Settings")[1]!.matchAll(/^\| `([A-Z_]+)` /gm);
  const named = [...rows].map(([, name]) => name!);
  expect(named.filter((name) => !SETTINGS.includes(name))).toEqual([]);
  expect(SETTINGS.filter((name) => BOUND.test(name) && !named.includes(name))).toEqual([]);
});
