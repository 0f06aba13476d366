/** Documents as pages: links that work where they are served, and anchors as GitHub makes them. */
import { expect, test } from "vitest";
import { Documents, relativeAddress } from "../../../../../src/http/endpoints/docs/documents.ts";
import { HeadingIds } from "../../../../../src/http/endpoints/docs/heading-ids.ts";
import { renderDocument } from "../../../../../src/http/endpoints/docs/render-document.ts";

const documents = new Documents();
const render = (markdown: string, file = "docs/clients.md") => renderDocument(file, markdown, documents);

test.each([
  ["What survives what", "what-survives-what"],
  ["Encrypted content and `include`", "encrypted-content-and-include"],
  ["`POST /v1/responses`: create", "post-v1responses-create"],
  ["Fence, epoch & lease", "fence-epoch--lease"],
  ["_snake_case_ Ärger 日本", "snake_case-ärger-日本"],
])("the heading %s has the id %s", (heading, id) => {
  expect(render(`## ${heading}`).headings).toMatchObject([{ depth: 2, id }]);
});

test("ids of equal headings are numbered", () => {
  const ids = new HeadingIds();
  expect(["Text", "Calls", "Text", "Text"].map((heading) => ids.next(heading))).toEqual([
    "text",
    "calls",
    "text-1",
    "text-2",
  ]);
});

test.each([
  ["docs/clients.md", "limits.md#settings", 'href="limits#settings"'],
  ["docs/clients.md", "../README.md", 'href="readme"'],
  ["docs/clients.md", "#calls", 'href="#calls"'],
  ["README.md", "docs/clients.md", 'href="clients"'],
  ["README.md", "https://example.org/a.md", 'href="https://example.org/a.md"'],
])("in %s a link to %s becomes %s", (file, target, link) => {
  expect(render(`[text](${target})`, file).html).toContain(`<a ${link}>text</a>`);
});

test("a link to a file that is not served becomes its text", () => {
  const { html } = render("[the _table_](../test/conformance/TABLE.md)");
  expect(html).toBe('<p><span class="file" title="../test/conformance/TABLE.md">the <em>table</em></span></p>\n');
});

test("addresses lead from page to page", () => {
  expect(relativeAddress("docs", "docs/limits")).toBe("docs/limits");
  expect(relativeAddress("docs/limits", "docs")).toBe("../docs");
  expect(relativeAddress("docs/decisions/speed", "docs/limits")).toBe("../limits");
  expect(relativeAddress("docs/limits", "docs/decisions")).toBe("decisions");
});

test("comments are left out, and text is escaped", () => {
  const { html, title, summary } = render("# A < B\n\n<!-- hidden -->\n\nFirst `<id>`.\n\nSecond.");
  expect(html).not.toContain("hidden");
  expect(html).toContain("A &lt; B");
  expect({ title, summary }).toEqual({ title: "A < B", summary: "First <id>." });
});
