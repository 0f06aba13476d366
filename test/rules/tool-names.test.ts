/** Adding a tool takes one folder and one line: the code that runs a response names no tool. */
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const FILES = globSync("workers/{attempt,jobs,remote,run,turn}/**/*.ts");

/** The tools of the API and of this server, in each spelling: `web_search_call`, `webSearchItems`, `web-search/` … */
const TOOL_NAME =
  /web[-_]?search|open_page|find_in_page|file[-_]?search|mcp|code[-_]?interpreter|python|image[-_]?gen|generate_image/i;

const ALLOWED: Record<string, string> = {
  "workers/run/loop/requires-client-action.ts": "lists the wire's items that only a client can answer",
};

function findToolNames(file: string): string[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => TOOL_NAME.test(line));
}

test("turns, runs, remote runs and jobs name no tool", () => {
  const named = FILES.filter((file) => findToolNames(file).length > 0 && !Object.hasOwn(ALLOWED, file));
  expect(named.map((file) => [file, findToolNames(file)])).toEqual([]);
});

test("each exception names a tool", () => {
  expect(Object.keys(ALLOWED).filter((file) => findToolNames(file).length === 0)).toEqual([]);
});

test("the pattern finds the folders and the item types of tools", () => {
  const folders = globSync("workers/tools/*/").map((folder) => folder.split("/").at(-1)!);
  expect(folders.length).toBeGreaterThan(3);
  expect(folders.filter((folder) => !TOOL_NAME.test(folder))).toEqual([]);
  const itemTypes = ["web_search_call", "file_search_call", "mcp_list_tools", "code_interpreter_call"];
  expect(itemTypes.filter((type) => !TOOL_NAME.test(type))).toEqual([]);
});
