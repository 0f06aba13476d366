/** `/openapi.json` and `/docs` as they are served. */
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeApi } from "../../src/openapi/document.ts";
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

  test("is shown on a page that loads nothing from elsewhere", async () => {
    const page = await fetch(`${root}/docs`);
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
      const { status } = await fetch(new URL(address, `${root}/docs`));
      expect([address, status]).toEqual([address, 200]);
    }
  });

  test("is at one address, beside only the page's own files", async () => {
    const redirect = await fetch(`${root}/docs/`, { redirect: "manual" });
    expect([redirect.status, redirect.headers.get("location")]).toEqual([302, "../docs"]);
    for (const path of [
      "/docs/index.html",
      "/docs/swagger-ui-bundle.js.map",
      "/docs/..%2f..%2fpackage.json",
      "/docs/__proto__",
    ]) {
      expect([path, await statusOf(path)]).toEqual([path, 404]);
    }
  });
});

/** fetch would normalize the path first. */
async function statusOf(path: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  request(`${root}${path}`, { path }, (response) => resolve(response.resume().statusCode!)).end();
  return await promise;
}
