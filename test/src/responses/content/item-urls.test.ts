/** URLs of MCP servers in items are stored sealed and listed without their path. */
import { expect, test } from "vitest";
import { toListedItem } from "../../../../src/lifecycle/include.ts";
import type { InputItem } from "../../../../src/protocol/item.ts";
import { unsealItemUrls, sealItemUrls } from "../../../../src/responses/content/item-urls.ts";
import { ContentSealer } from "../../../../src/sealing/content-sealer.ts";

const sealer = new ContentSealer([Buffer.alloc(32, 1)]);
const storage = { sealer };
const mcp = (server_url: string) => ({ type: "mcp" as const, server_label: "a", server_url });
const withUrl = (url: string): InputItem[] => [
  { type: "additional_tools", role: "developer", tools: [mcp(url), { type: "function", name: "f", parameters: {} }] },
  { type: "tool_search_output", tools: [mcp(url)] },
  { type: "message", role: "user", content: "https://a.example/planted" },
];
const urlsIn = (items: readonly unknown[]) =>
  [...JSON.stringify(items).matchAll(/"server_url":"([^"]*)"/g)].map(([, url]) => url);

test.each([
  ["a path", "https://a.example/planted/mcp"],
  ["a query", "https://a.example/?key=planted"],
  ["a fragment", "https://a.example/#planted"],
  ["a port", "http://a.example:8080/planted"],
])("a listing shows only the origin of %s", async (_, url) => {
  const items = withUrl(url);
  const sealed = await sealItemUrls(sealer, "alpha", items);
  expect(urlsIn(sealed).join()).not.toContain("planted");
  expect(await unsealItemUrls(storage, "alpha", sealed)).toEqual(items);
  // A reference names a stored item, whose URL is sealed already.
  expect(await sealItemUrls(sealer, "alpha", sealed)).toEqual(sealed);
  const listed = sealed.map((item) => toListedItem(item, new Set()));
  expect(urlsIn(listed)).toEqual([new URL(url).origin, new URL(url).origin]);
  expect(listed[2]).toBe(items[2]);
});

test("another project cannot open the server's URL", async () => {
  const sealed = await sealItemUrls(sealer, "alpha", withUrl("https://a.example/planted"));
  const opened = await unsealItemUrls(storage, "beta", sealed);
  expect(urlsIn(opened)).toEqual(["https://unreadable.invalid/", "https://unreadable.invalid/"]);
});

test("a bare origin stays as sent", async () => {
  const items = withUrl("https://a.example");
  expect(await sealItemUrls(sealer, "alpha", items)).toEqual(items);
  expect(await unsealItemUrls(storage, "alpha", items)).toEqual(items);
});
