/** The tests that name each row. Vitest collects the titles: it imports the files and runs no test. */
import { relative } from "node:path";
import { createVitest } from "vitest/node";
import { ROWS } from "./rows.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;

/** All conformance tests, and other tests that prove a row. */
const PROVING = [
  "test/conformance/**/*.test.ts",
  "test/journeys/{context-window,include,prompts}.test.ts",
  "test/src/lifecycle/include.test.ts",
];

export interface Proof {
  file: string;
  title: string;
}

export interface TableRow {
  group: string;
  name: string;
  proofs: Proof[];
}

export interface Table {
  rows: TableRow[];
  /** Rows that a title names and the schemas lack. */
  unknown: string[];
}

export async function collectTable(): Promise<Table> {
  const proofs = await collectProofs();
  const rows = Object.entries(ROWS).flatMap(([group, names]) =>
    names
      .map((name) => ({ group, name, proofs: proofs.get(`${group} ${name}`) ?? [] }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
  const known = new Set(rows.map(({ group, name }) => `${group} ${name}`));
  const groups = Object.keys(ROWS);
  const unknown = [...proofs.keys()].filter(
    (row) => !known.has(row) && groups.some((group) => row.startsWith(`${group} `)),
  );
  return { rows, unknown };
}

/** By the row at the start of the title: `param temperature: …`. */
async function collectProofs(): Promise<Map<string, Proof[]>> {
  const vitest = await createVitest("test", {
    root: ROOT,
    config: false,
    watch: false,
    include: PROVING,
    pool: "forks",
    maxWorkers: 1,
  });
  const proofs = new Map<string, Proof[]>();
  try {
    const { testModules, unhandledErrors } = await vitest.collect([], { staticParse: false });
    for (const module of testModules) {
      for (const test of module.children.allTests()) {
        const row = /^(.+?): /.exec(test.name)?.[1] ?? "";
        const proof = { file: relative(ROOT, module.moduleId), title: test.fullName };
        proofs.set(row, [...(proofs.get(row) ?? []), proof]);
      }
    }
    const errors = [...unhandledErrors, ...testModules.flatMap((module) => module.errors())];
    if (errors.length > 0) throw new Error(`The tests cannot be collected: ${JSON.stringify(errors[0])}`);
  } finally {
    await vitest.close();
  }
  return proofs;
}
