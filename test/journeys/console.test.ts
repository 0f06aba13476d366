/** The console as a researcher uses it, in a real browser against real processes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ExecutedCallLog } from "../../src/local/demo/research/check-calls.ts";
import { type Almanac, startAlmanac } from "../../src/local/demo/research/almanac.ts";
import { type LocalWeb, startLocalWeb } from "../../src/local/demo/research/local-web.ts";
import { createScriptedPlan, LABEL, QUESTION } from "../../src/local/demo/research/scripted-plan.ts";
import { create, pollToEnd } from "../support/api-client.ts";
import { ConsoleBrowser, examine, NARROW, USABLE, WIDE } from "../support/console-browser.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

const executed = new ExecutedCallLog();
let web: LocalWeb;
let almanac: Almanac;
let api: ApiProcess;
let worker: ServerProcess;
let browser: ConsoleBrowser;

beforeAll(async () => {
  [web, almanac, browser] = await Promise.all([
    startLocalWeb(executed),
    startAlmanac(executed, { holdsFirst: false }),
    ConsoleBrowser.start(),
  ]);
  const environment = {
    KEY_PREFIX: uniquePrefix(),
    SEARXNG_URL: web.url,
    FETCH_ALLOWED_HOSTS: `${web.host},${almanac.host}`,
  };
  [api, worker] = await Promise.all([startApi(environment), startWorker(environment)]);
});
afterAll(async () => {
  for (const each of [browser, api, worker, web, almanac]) await each[Symbol.asyncDispose]();
});

function research() {
  return {
    model: "simulator/default",
    input: QUESTION,
    background: true,
    tools: [
      { type: "web_search" },
      { type: "mcp", server_label: LABEL, server_url: almanac.url, require_approval: "never" },
      { type: "code_interpreter", container: { type: "auto" } },
    ],
    include: ["web_search_call.action.sources", "code_interpreter_call.outputs"],
    metadata: createScriptedPlan(web.url),
  };
}

describe("a research run", () => {
  test("shows its steps and its report with footnotes", async () => {
    const { id } = await create(api.url, research());
    await using console = await browser.open(api.url, `#/runs/${id}`);
    const { page, problems } = console;
    await page.getByText("completed", { exact: true }).waitFor();
    await page.locator(".report .footnote").first().waitFor();
    const timeline = page.locator(".timeline");
    for (const step of ["Searched the web", "Opened a page", `Called ${LABEL}.look_up_lights`, "Ran Python", "Answer"]) {
      expect(await timeline.getByText(step).count()).toBeGreaterThan(0);
    }
    const footnote = page.locator(".report .footnote").first();
    expect(await footnote.getAttribute("href")).toBe(`${web.url}/geographic-range`);
    expect(await footnote.getAttribute("rel")).toBe("noopener noreferrer");
    expect(await page.locator(".sources li").count()).toBe(7);
    expect(problems).toEqual([]);
  });

  test.each([
    ["wide, light", { viewport: WIDE, colorScheme: "light" }],
    ["wide, dark", { viewport: WIDE, colorScheme: "dark" }],
    ["narrow, light", { viewport: NARROW, colorScheme: "light" }],
    ["narrow, dark", { viewport: NARROW, colorScheme: "dark" }],
  ] as const)("is usable %s", async (name, options) => {
    const { id } = await create(api.url, research());
    await pollToEnd(api.url, id);
    await using console = await browser.open(api.url, `#/runs/${id}`, options);
    const { page, problems } = console;
    await page.locator(".sources").first().waitFor();
    await page.getByText("Details", { exact: false }).nth(1).click();
    expect(await examine(page, `run ${name}`)).toEqual(USABLE);
    expect(problems).toEqual([]);
  });
});
