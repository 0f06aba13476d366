/** The console as an operator uses it: keys, projects, queues and workers, what a key may see. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { ConsoleBrowser, examine, NARROW, type OpenConsole, USABLE } from "../support/console-browser.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { unwrap, WebhookReceiver } from "../support/webhook-receiver.ts";

const ADMIN = "admin-key-of-the-operator";
const ALPHA = "key-of-the-project-alpha";
const BETA = "key-of-the-project-beta";
const environment = {
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: `alpha:${ALPHA},beta:${BETA}`,
  ADMIN_KEYS: `operator:${ADMIN}`,
  FETCH_ALLOWED_HOSTS: "127.0.0.1",
  WEBHOOKS_ALLOW_HTTP: "true",
};
let api: ApiProcess;
let worker: ServerProcess;
let browser: ConsoleBrowser;

beforeAll(async () => {
  [api, worker, browser] = await Promise.all([startApi(environment), startWorker(environment), ConsoleBrowser.start()]);
});
afterAll(async () => {
  for (const each of [browser, api, worker]) await each[Symbol.asyncDispose]();
});

const as = (key: string) => ({ authorization: `Bearer ${key}` });

async function signIn(key: string, path = "", options = {}): Promise<OpenConsole> {
  const console = await browser.open(api.url, path, options);
  await console.page.getByLabel("API key or admin key").fill(key);
  await console.page.getByRole("button", { name: "Sign in" }).click();
  return console;
}

async function pagesOf({ page }: OpenConsole): Promise<string[]> {
  const navigation = page.getByRole("navigation", { name: "Console" });
  await navigation.waitFor();
  return await navigation.getByRole("link").allTextContents();
}

describe("a key", () => {
  test("that is wrong is refused in words", async () => {
    await using console = await signIn("key-of-nobody-at-all");
    const { page, problems } = console;
    await page.getByRole("alert").getByText("Incorrect API key").waitFor();
    expect(await examine(page, "sign in")).toEqual(USABLE);
    expect(problems).toEqual([]);
  });

  test("is kept for its tab alone, and never in an address", async () => {
    await using console = await signIn(ALPHA);
    const { page } = console;
    const requested: string[] = [];
    page.on("request", (request) => requested.push(request.url()));
    await pagesOf(console);
    await page.reload();
    await pagesOf(console);
    expect(requested.filter((url) => url.includes(ALPHA))).toEqual([]);
    expect(page.url()).not.toContain(ALPHA);
    const kept = await page.evaluate("[Object.values(localStorage), document.cookie, Object.values(sessionStorage)]");
    expect(kept).toEqual([[], "", [ALPHA]]);
    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await page.evaluate("Object.values(sessionStorage)")).toEqual([]);
  });

  test("of a project shows no administrator's pages", async () => {
    await using console = await signIn(ALPHA);
    const pages = await pagesOf(console);
    expect(pages).toContain("New run");
    for (const hidden of ["Queue and workers", "Keys", "Usage"]) expect(pages).not.toContain(hidden);
    expect(console.problems).toEqual([]);
  });

  test("of another project sees no such run", async () => {
    const { id } = await create(api.url, simulate({ tokens: 3, delay_ms: 0 }), as(ALPHA));
    await using console = await signIn(BETA, `#/runs/${id}`);
    await console.page.getByRole("alert").getByText("There is no such run").waitFor();
    await using own = await signIn(ALPHA, `#/runs/${id}`);
    await own.page.getByText("completed", { exact: true }).waitFor();
    expect([...console.problems, ...own.problems]).toEqual([]);
  });
});

describe("webhooks", () => {
  test("are created, tested and shown with their tries", async () => {
    await using receiver = await WebhookReceiver.start();
    await using console = await signIn(ALPHA, "#/webhooks");
    const { page, problems } = console;
    await page.getByLabel("Name", { exact: true }).fill("Reports");
    await page.getByLabel("URL", { exact: true }).fill(receiver.url);
    await page.getByRole("button", { name: "Create" }).click();
    const secret = await page.locator(".secret code").textContent();
    const { id } = await create(api.url, simulate({ tokens: 3, delay_ms: 0 }), as(ALPHA));
    await page.getByRole("button", { name: "Deliveries" }).click();
    await page
      .getByRole("row")
      .filter({ hasText: id.slice(-8) })
      .getByText("204")
      .waitFor();
    expect((await unwrap(receiver.tries[0]!, secret!)).data.id).toBe(id);
    await page.getByRole("button", { name: "Send a test" }).click();
    await page.getByText("The receiver answered 204.").waitFor();
    expect(await examine(page, "webhooks")).toEqual(USABLE);
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("No endpoint is notified yet.").waitFor();
    expect(problems).toEqual([]);
  });
});

describe("an administrator", () => {
  test("creates a project and a key that works", async () => {
    await using console = await signIn(ADMIN, "#/keys");
    const { page, problems } = console;
    await page.getByLabel("Name", { exact: true }).fill("Research");
    await page.getByRole("button", { name: "Create project" }).click();
    const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Research" }) });
    await card.getByLabel("Name of a new key").fill("laptop");
    await card.getByRole("button", { name: "Create key" }).click();
    const secret = await card.locator(".secret code").textContent();
    expect((await send("GET", `${api.url}/models`, undefined, as(secret!))).status).toBe(200);
    expect(await examine(page, "keys")).toEqual(USABLE);
    await card.getByRole("button", { name: "Delete key" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete key" }).click();
    await card.getByText("No keys.").waitFor();
    expect((await send("GET", `${api.url}/models`, undefined, as(secret!))).status).toBe(401);
    await card.getByRole("button", { name: "Archive project" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Archive project" }).click();
    await card.waitFor({ state: "detached" });
    expect(problems).toEqual([]);
  });

  test("sees what each project and model used", async () => {
    const { id } = await create(api.url, simulate({ tokens: 20, delay_ms: 0 }), as(BETA));
    const { usage } = await pollToEnd(api.url, id, as(BETA));
    await using console = await signIn(ADMIN, "#/usage");
    const { page, problems } = console;
    await page.getByLabel("By").selectOption("project");
    const row = page.getByRole("row").filter({ hasText: "beta" });
    await row.getByText(String(usage!.output_tokens), { exact: true }).waitFor();
    expect(await examine(page, "usage")).toEqual(USABLE);
    expect(problems).toEqual([]);
  });

  test.each([
    ["wide", {}],
    ["narrow", { viewport: NARROW, colorScheme: "dark" }],
  ] as const)("sees queues and workers, %s", async (name, options) => {
    await using console = await signIn(ADMIN, "#/queues", options);
    const { page, problems } = console;
    await page.getByRole("row").filter({ hasText: "background" }).first().waitFor();
    await page.getByRole("row").filter({ hasText: "0 of" }).first().waitFor();
    expect(await examine(page, `queues ${name}`)).toEqual(USABLE);
    expect(problems).toEqual([]);
  });
});
