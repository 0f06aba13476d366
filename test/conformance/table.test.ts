/** The generated table of the whole contract is complete and committed. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { Table } from "./table/proofs.ts";

const MEBIBYTE = 1024 * 1024;

test("every row has a test, and TABLE.md names it", { timeout: 240_000 }, async () => {
  const main = new URL("table/main.ts", import.meta.url).pathname;
  // Its own process, because it collects the tests that include this one.
  const { stdout } = await promisify(execFile)(process.execPath, [main, "--print"], {
    maxBuffer: 8 * MEBIBYTE,
    env: { PATH: process.env["PATH"] },
  });
  const { rows, unknown, markdown } = JSON.parse(stdout) as Table & { markdown: string };
  const unproven = rows.filter(({ proofs }) => proofs.length === 0).map(({ group, name }) => `${group} ${name}`);
  expect({ unproven, unknown }).toEqual({ unproven: [], unknown: [] });
  const committed = await readFile(new URL("TABLE.md", import.meta.url), "utf8");
  expect(committed, "run `npm run conformance`").toBe(markdown);
});
