/** `/openapi.json` and the pages of `/docs` as they are served. */
import { once } from "node:events";
import { type IncomingMessage, request, type RequestOptions } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeApi } from "../../src/openapi/document.ts";
import { launchChromium } from "../support/chromium.ts";
import { type ApiProcess, startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

const environment = {
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: "alpha:key-of-alpha",
  OPENAI_API_KEY: "key-of-the-provider",
  OPENAI_BASE_URL: "http://provider.internal/v1",
};
let api: ApiProcess;
let root: string;

beforeAll(async () => {
  api = await startApi(environment);
  root = api.url.replace("/v1", "");
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

describe("the description", () => {
  test("is served to anyone, and reveals no settings", async () => {
    const response = await fetch(`${root}/openapi.json`);
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(describeApi())));
    for (const secret of Object.values(environment)) expect(text).not.toContain(`"${secret}"`);
    expect(text).not.toMatch(/key-of|provider\.internal/);
  });
});

describe("the pages", () => {
  test.each(["/docs", "/docs/api", "/docs/clients"])("%s loads nothing from elsewhere", async (path) => {
    const page = await fetch(`${root}${path}`);
    const html = await page.text();
    expect(page.headers.get("content-type")).toContain("text/html");
    const policy = page.headers.get("content-security-policy")!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const addresses = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address!);
    expect(addresses.length).toBeGreaterThan(4);
    for (const address of addresses) {
      // Relative, so that it works behind any path of a proxy.
      expect(address).not.toMatch(/^(?:\w+:|\/)/);
      const { status } = await fetch(new URL(address, `${root}${path}`));
      expect([address, status]).toEqual([address, 200]);
    }
  });

  test("have one address each, and no other file is served", async () => {
    const redirect = await fetch(`${root}/docs/`, { redirect: "manual" });
    expect([redirect.status, redirect.headers.get("location")]).toEqual([302, "../docs"]);
    for (const path of [
      "/docs/index.html",
      "/docs/clients.md",
      "/docs/clients/",
      "/docs/swagger-ui-bundle.js.map",
      "/docs/..%2f..%2fpackage.json",
      "/docs/../package.json",
      "/docs/%2e%2e/package.json",
      "/docs/__proto__",
    ]) {
      expect([path, (await ask(path)).statusCode]).toEqual([path, 404]);
    }
  });

  test("that do not exist get an error envelope", async () => {
    const answer = await fetch(`${root}/docs/nothing`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: { message: "Invalid URL (GET /docs/nothing)" } });
  });

  test.each(["/docs", "/docs/clients"])("%s is not sent again while unchanged", async (path) => {
    const { etag } = (await ask(path, { method: "HEAD" })).headers;
    expect(etag).toMatch(/^(?:W\/)?"[\w+/-]+"$/);
    expect((await ask(path, { headers: { "if-none-match": etag } })).statusCode).toBe(304);
    expect((await ask(path, { headers: { "if-none-match": '"another"' } })).statusCode).toBe(200);
  });

  test.each(["light", "dark"] as const)("are readable in %s on a narrow screen", async (colorScheme) => {
    await using browser = await launchChromium();
    const page = await browser.newPage({ viewport: { width: 390, height: 800 }, colorScheme });
    await page.goto(`${root}/docs/clients`);
    const measured = await page.evaluate(() => {
      const { color, backgroundColor } = getComputedStyle(document.body);
      return { color, backgroundColor, overflow: document.documentElement.scrollWidth - innerWidth };
    });
    const dark = { color: "rgb(230, 233, 237)", backgroundColor: "rgb(20, 23, 27)" };
    const light = { color: "rgb(31, 35, 40)", backgroundColor: "rgb(255, 255, 255)" };
    expect(measured).toEqual({ ...(colorScheme === "dark" ? dark : light), overflow: 0 });
    await page.getByText("On this page").click();
    const section = page.locator(".contents a").first();
    const href = await section.getAttribute("href");
    await section.click();
    expect(page.url()).toBe(`${root}/docs/clients${href}`);
  });

  test("the reference tries requests at this server", async () => {
    await using browser = await launchChromium();
    const page = await browser.newPage();
    await page.goto(`${root}/docs/api`);
    await page.locator("#operations-Server-healthz").click();
    await page.getByRole("button", { name: "Try it out" }).click();
    const answered = page.waitForResponse(`${root}/healthz`);
    await page.getByRole("button", { name: "Execute" }).click();
    expect((await answered).status()).toBe(200);
  });
});

/** fetch would normalize the path first, and never revalidates its cache. */
async function ask(path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
  const sent = request(root, { ...options, path }).end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  return answer.resume();
}
