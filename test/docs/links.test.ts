/** Every link of the documentation leads somewhere: in the repository, and as the pages are served. External ones aside. */
import { existsSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { marked } from "marked";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Documents } from "../../src/http/endpoints/docs/documents.ts";
import { renderDocument } from "../../src/http/endpoints/docs/render-document.ts";
import { type ApiProcess, startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const EXTERNAL = /^[a-z]+:/;

const documents = new Documents();
const files = documents.groups.flatMap((group) => group.files);
const markdownOf = (file: string): string => readFileSync(posix.join(ROOT, file), "utf8");

let api: ApiProcess;

beforeAll(async () => {
  api = await startApi({ KEY_PREFIX: uniquePrefix() });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

function linksIn(markdown: string): string[] {
  const links: string[] = [];
  void marked.walkTokens(marked.lexer(markdown), (token) => {
    if (token.type === "link" || token.type === "image") links.push(String(token["href"]));
    if (token.type === "html") links.push(...addressesIn(token.raw));
  });
  return links.filter((href) => !EXTERNAL.test(href));
}

function addressesIn(html: string): string[] {
  return [...html.matchAll(/\b(?:href|src|srcset)="([^"]*)"/g)].map(([, address]) => address!);
}

/** `undefined`, or what is wrong. */
function faultInLink(file: string, href: string): string | undefined {
  const [path = "", fragment] = href.split("#");
  const target = path === "" ? file : posix.join(posix.dirname(file), path);
  if (target.startsWith("..") || !existsSync(posix.join(ROOT, target))) return "there is no such file";
  if (fragment === undefined) return undefined;
  if (!target.endsWith(".md")) return "only documents have sections";
  const { headings } = renderDocument(target, markdownOf(target), documents);
  return headings.some(({ id }) => id === fragment) ? undefined : "there is no such section";
}

test("the documents are found", () => {
  expect(files).toEqual(expect.arrayContaining(["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/clients.md"]));
});

test.each(files)("links of %s lead to files and sections", (file) => {
  const faults = linksIn(markdownOf(file)).map((href) => [href, faultInLink(file, href)]);
  expect(faults.filter(([, fault]) => fault !== undefined)).toEqual([]);
});

test("a dead file and a dead section are found", () => {
  expect(linksIn("[a](b.md) ![c](d.svg) <a href='#'>\n\n<img src=\"e.png\">\n\n`[f](g)`")).toEqual([
    "b.md",
    "d.svg",
    "e.png",
  ]);
  expect(faultInLink("docs/clients.md", "nothing.md")).toBe("there is no such file");
  expect(faultInLink("docs/clients.md", "../../outside.md")).toBe("there is no such file");
  expect(faultInLink("README.md", "docs/clients.md#nothing")).toBe("there is no such section");
});

test("links of the served pages lead to pages and sections", async () => {
  const root = api.url.replace(/v1$/, "");
  const pages = new Map<string, string>();
  const dead: string[] = [];
  const read = async (address: string): Promise<string | undefined> => {
    const answer = await fetch(address);
    return answer.ok ? await answer.text() : undefined;
  };
  const open: { from: string; link: string }[] = [{ from: root, link: `${root}docs` }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { origin, pathname, hash } = new URL(next.link, next.from);
    const address = `${origin}${pathname}`;
    const isNew = !pages.has(address);
    const html = pages.get(address) ?? (await read(address));
    const id = decodeURIComponent(hash.slice(1));
    if (html === undefined || (id !== "" && !html.includes(`id="${id}"`))) dead.push(`${next.link} on ${next.from}`);
    if (html === undefined || !isNew) continue;
    pages.set(address, html);
    if (!html.startsWith("<!doctype html>")) continue;
    const links = addressesIn(html).filter((link) => !EXTERNAL.test(link));
    open.push(...links.map((link) => ({ from: address, link })));
  }
  expect(dead).toEqual([]);
  const unreached = files.map((file) => `${root}${documents.addressOf(file)}`).filter((each) => !pages.has(each));
  expect(unreached).toEqual([]);
});
