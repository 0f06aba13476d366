/** The console as a researcher uses it, in a real browser against real processes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ExecutedCallLog } from "../../src/local/demo/research/check-calls.ts";
import { type Almanac, startAlmanac } from "../../src/local/demo/research/almanac.ts";
import { type LocalWeb, startLocalWeb } from "../../src/local/demo/research/local-web.ts";
import { createScriptedPlan, LABEL, QUESTION } from "../../src/local/demo/research/scripted-plan.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { ConsoleBrowser, examine, NARROW, USABLE, WIDE } from "../support/console-browser.ts";
import { startMcpServer } from "../support/mcp-server.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { scriptSteps } from "../support/tool-runs.ts";

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
    FETCH_ALLOWED_HOSTS: "127.0.0.1",
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

/** A whole research run, on a busy machine. */
const RUN_TIMEOUT_MS = 120_000;

describe("a research run", () => {
  let id = "";
  beforeAll(async () => {
    ({ id } = await create(api.url, research()));
  });

  test("shows its steps and its report with footnotes", { timeout: RUN_TIMEOUT_MS }, async () => {
    await using console = await browser.open(api.url, `#/runs/${id}`);
    const { page, problems } = console;
    await page.getByText("completed", { exact: true }).waitFor();
    const footnote = page.locator(".report .footnote").first();
    await footnote.waitFor();
    expect(problems).toEqual([]);
    const timeline = page.locator(".timeline");
    for (const step of [
      "Searched the web",
      "Opened a page",
      `Called ${LABEL}.look_up_lights`,
      "Ran Python",
      "Answer",
    ]) {
      expect([step, (await timeline.getByText(step).count()) > 0]).toEqual([step, true]);
    }
    expect(await footnote.getAttribute("href")).toBe(`${web.url}/geographic-range`);
    expect(await footnote.getAttribute("rel")).toBe("noopener noreferrer");
    expect(await page.locator(".sources li").count()).toBe(8);
    await timeline.getByText("Turn 7").waitFor();
    expect(await timeline.locator(".clock").first().textContent()).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(problems).toEqual([]);
  });

  test.each([
    ["wide, light", { viewport: WIDE, colorScheme: "light" }],
    ["wide, dark", { viewport: WIDE, colorScheme: "dark" }],
    ["narrow, light", { viewport: NARROW, colorScheme: "light" }],
    ["narrow, dark", { viewport: NARROW, colorScheme: "dark" }],
  ] as const)("is usable %s", async (name, options) => {
    await pollToEnd(api.url, id);
    await using console = await browser.open(api.url, `#/runs/${id}`, options);
    const { page, problems } = console;
    await page.locator(".sources").first().waitFor();
    await page.locator(".step summary").nth(1).click();
    expect(await examine(page, `run ${name}`)).toEqual(USABLE);
    expect(problems).toEqual([]);
  });
});

describe("the list of runs", () => {
  test("shows what each run does, and follows its filters", async () => {
    const waiting = await create(api.url, simulate({ hang: true }));
    const failed = await create(api.url, simulate({ error: "server_error" }));
    await pollToEnd(api.url, failed.id);
    await using console = await browser.open(api.url);
    const { page, problems } = console;
    const rowOf = (id: string) => page.getByRole("row").filter({ has: page.locator(`a[href$="${id}"]`) });
    await rowOf(waiting.id)
      .getByText(/calling simulator, \d+ s/)
      .waitFor();
    await rowOf(failed.id).getByText("server_error").waitFor();
    expect(await examine(page, "runs")).toEqual(USABLE);
    await page.setViewportSize(NARROW);
    expect(await examine(page, "runs narrow")).toEqual(USABLE);
    await page.getByLabel("Status").selectOption("failed");
    await rowOf(waiting.id).waitFor({ state: "detached" });
    await rowOf(failed.id).waitFor();
    await page.getByLabel("Status").selectOption("not ended");
    await rowOf(failed.id).waitFor({ state: "detached" });
    await send("POST", `${api.url}/responses/${waiting.id}/cancel`);
    await rowOf(waiting.id).waitFor({ state: "detached" });
    await page.getByLabel("Status").selectOption("all");
    await rowOf(waiting.id).getByText("cancelled").waitFor();
    await page.getByLabel("Model").fill("nobody/none");
    await page.getByLabel("Model").press("Enter");
    await page.getByText("No runs match.").waitFor();
    expect(page.url()).toContain("model=nobody");
    expect(problems).toEqual([]);
  });
});

describe("a new run", () => {
  test("from the example survives the loss of the API", { timeout: RUN_TIMEOUT_MS }, async () => {
    const environment = { KEY_PREFIX: uniquePrefix() };
    await using doomed = await startApi(environment);
    await using _worker = await startWorker(environment);
    await using console = await browser.open(doomed.url, "#/new");
    const { page, problems } = console;
    await page.getByRole("button", { name: "Research example" }).click();
    expect(await examine(page, "new run")).toEqual(USABLE);
    await page.getByRole("button", { name: "Start" }).click();
    await page.locator(".report h4").waitFor();
    doomed.kill("SIGKILL");
    await doomed.exited;
    await page.getByText("Reconnecting after event").waitFor();
    await using api = await startApi({ ...environment, PORT: new URL(doomed.url).port });
    await page.getByText("completed", { exact: true }).waitFor();
    expect(await page.locator(".report table tr").allTextContents()).toHaveLength(4);
    const id = page.url().split("/").at(-1)!;
    const { output } = await pollToEnd(api.url, id);
    expect(await page.locator(".timeline .step").count()).toBe(output.length);
    expect(problems).toEqual([]);
  });

  test("that is continued sees the first one", async () => {
    const first = await pollToEnd(api.url, (await create(api.url, simulate({ tokens: 3, delay_ms: 0 }))).id);
    await using console = await browser.open(api.url, `#/runs/${first.id}`);
    const { page, problems } = console;
    await page.getByRole("link", { name: "Continue from here" }).click();
    await page.getByRole("heading", { name: "Continue a run" }).waitFor();
    await page.getByRole("textbox", { name: "Input" }).fill("And then?");
    await page.getByRole("textbox", { name: "Input" }).press("Control+Enter");
    await page.waitForURL((url) => /#\/runs\/resp_/.test(url.hash) && !url.hash.endsWith(first.id));
    await page.getByRole("link", { name: first.id }).waitFor();
    const id = page.url().split("/").at(-1)!;
    expect((await pollToEnd(api.url, id)).previous_response_id).toBe(first.id);
    expect(problems).toEqual([]);
  });

  test("in the foreground ends with its tab", async () => {
    const console = await browser.open(api.url, "#/new");
    const { page } = console;
    await page.getByRole("button", { name: "Edit as JSON" }).click();
    const request = { ...simulate({ hang: true }), background: false };
    await page.getByRole("textbox").fill(JSON.stringify(request));
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("in progress", { exact: true }).waitFor();
    const id = page.url().split("/").at(-1)!;
    await console[Symbol.asyncDispose]();
    expect((await pollToEnd(api.url, id)).status).toBe("cancelled");
  });

  test("that the server rejects says why", async () => {
    await using console = await browser.open(api.url, "#/new");
    const { page, problems } = console;
    await page.getByRole("textbox", { name: "Input" }).fill("Hello");
    await page.getByRole("combobox", { name: "Model" }).fill("nobody/none");
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByRole("alert").getByText("nobody/none").waitFor();
    expect(problems).toEqual([]);
  });
});

describe("a run", () => {
  test("is cancelled and deleted by its buttons", async () => {
    const { id } = await create(api.url, simulate({ hang: true }));
    await using console = await browser.open(api.url, `#/runs/${id}`);
    const { page, problems } = console;
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await page.getByText("cancelled", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Keep it" }).click();
    expect((await pollToEnd(api.url, id)).status).toBe("cancelled");
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("heading", { name: "Runs" }).waitFor();
    expect((await send("GET", `${api.url}/responses/${id}`)).status).toBe(404);
    await page.goBack();
    await page.getByRole("alert").getByText("There is no such run").waitFor();
    expect(problems).toEqual([]);
  });

  test("that failed says why", async () => {
    const { id } = await create(api.url, simulate({ error: "server_error" }));
    await using console = await browser.open(api.url, `#/runs/${id}`);
    await console.page.getByRole("alert").getByText("server_error").first().waitFor();
    expect(console.problems).toEqual([]);
  });
});

describe.each([
  ["Approve", ["change 1"]],
  ["Refuse", []],
])("a decision to %s", (decision, executed) => {
  test("continues the run with it", async () => {
    await using server = await startMcpServer();
    const { id } = await create(api.url, {
      model: "simulator/default",
      input: "Change it.",
      background: true,
      metadata: scriptSteps({ call: "srv__change", arguments: { x: 1 } }),
      tools: [{ type: "mcp", server_label: "srv", server_url: server.url, require_approval: "always" }],
    });
    await pollToEnd(api.url, id);
    await using console = await browser.open(api.url, decision === "Approve" ? "#/approvals" : `#/runs/${id}`);
    const { page, problems } = console;
    await page.getByRole("radio", { name: decision }).check();
    // A response shows only the origin of a server's URL.
    await page.getByRole("textbox", { name: "URL of srv" }).fill(server.url);
    expect(await examine(page, `approval ${decision}`)).toEqual(USABLE);
    await page.getByRole("button", { name: "Send the decision" }).click();
    if (decision === "Approve") await page.getByRole("link", { name: "The run continues here." }).click();
    await page.getByText("Continues", { exact: true }).waitFor();
    await page.getByText("completed", { exact: true }).waitFor();
    const next = await pollToEnd(api.url, page.url().split("/").at(-1)!);
    expect(next.previous_response_id).toBe(id);
    expect(server.begun).toEqual(executed);
    expect(problems).toEqual([]);
  });
});
