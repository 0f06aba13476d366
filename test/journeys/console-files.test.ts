/** The files of the console as they are served. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { describe, expect, test } from "vitest";
import { type ApiProcess, startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServer } from "../support/test-server.ts";

const { api } = await openTestServer({ KEY_PREFIX: uniquePrefix(), API_KEYS: "alpha:key-of-alpha" });

const rootOf = ({ url }: ApiProcess): string => url.replace(/v1$/, "");
const root = rootOf(api);

function addressesIn(html: string): string[] {
  const imports = /<script type="importmap">(.*)<\/script>/.exec(html)![1]!;
  const libraries: { imports: Record<string, string> } = JSON.parse(imports);
  return [...html.matchAll(/(?:src|href)="([^"]+)"/g)]
    .map(([, address]) => address!)
    .concat(Object.values(libraries.imports));
}

describe("the page", () => {
  test("needs no key, and allows no script, style or request but its own", async () => {
    const page = await fetch(root);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toContain("text/html");
    const policy = page.headers.get("content-security-policy")!;
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "connect-src 'self'", "img-src 'self' data:"]) {
      expect(policy).toContain(part);
    }
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    expect(page.headers.get("referrer-policy")).toBe("no-referrer");
    expect(await page.text()).not.toMatch(/style=|<script>|\son\w+=/);
  });

  test("is not sent again while it is unchanged", async () => {
    const { headers } = await fetch(root);
    const etag = headers.get("etag")!;
    // fetch would ask past its cache.
    const sent = request(root, { headers: { "if-none-match": etag } }).end();
    const [again]: IncomingMessage[] = await once(sent, "response");
    expect([again!.resume().statusCode, headers.get("cache-control")]).toEqual([304, "no-cache"]);
  });

  test("names its files by relative addresses, which browsers may keep for good", async () => {
    const addresses = addressesIn(await (await fetch(root)).text());
    expect(addresses.length).toBeGreaterThan(40);
    for (const address of addresses) {
      expect(address).not.toMatch(/^(?:\w+:|\/)/);
      const file = await fetch(new URL(address, root));
      expect([address, file.status]).toEqual([address, 200]);
      if (address === "docs") continue;
      expect(file.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(file.headers.get("x-content-type-options")).toBe("nosniff");
      if (!/\.(?:ts|js|mjs)$/.test(address)) continue;
      expect(file.headers.get("content-type")).toContain("text/javascript");
      expect(await file.text()).not.toMatch(/^import type|^interface |sourceMappingURL/m);
    }
  });

  test("is the same in every process", async () => {
    await using other = await startApi({ KEY_PREFIX: uniquePrefix() });
    expect(await (await fetch(rootOf(other))).text()).toBe(await (await fetch(root)).text());
  });
});

test("no other file is served", async () => {
  const main = addressesIn(await (await fetch(root)).text()).find((address) => address.endsWith("page/main.ts"))!;
  const base = main.replace("console/page/main.ts", "");
  for (const path of [
    base,
    `${base}console/console-files.ts`,
    `${base}server.ts`,
    `${base}lifecycle/apply-event.ts`,
    `${base}..%2f..%2fpackage.json`,
    "console/",
    "console/constructor",
    main.replace(/console\/[^/]+/, "console/another"),
  ]) {
    expect([path, (await fetch(root + path)).status]).toEqual([path, 404]);
  }
});

test("a server without the console has no page", async () => {
  await using plain = await startApi({ KEY_PREFIX: uniquePrefix(), CONSOLE: "false" });
  const answer = await fetch(rootOf(plain));
  expect([answer.status, await answer.json()]).toMatchObject([404, { error: { message: "Invalid URL (GET /)" } }]);
});
