/** Hostile and huge runs in the console: what models, tools and pages write is only ever shown. */
import { describe, expect, test } from "vitest";
import { create, pollToEnd, simulate } from "../support/api-client.ts";
import { ConsoleBrowser } from "../support/console-browser.ts";
import { startMcpServer, textResult } from "../support/mcp-server.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";
import { scriptSteps } from "../support/tool-runs.ts";

const { api } = await openTestServerWithWorker({ KEY_PREFIX: uniquePrefix(), FETCH_ALLOWED_HOSTS: "127.0.0.1" });

const ELSEWHERE = "https://elsewhere.example";
const SCRIPT = "<script>window.taken = true</script><img src=x onerror='window.taken = true'>";
const REPORT = [
  SCRIPT,
  `<a href="javascript:window.taken = true">raw</a> <iframe src="${ELSEWHERE}"></iframe>`,
  "[script](javascript:window.taken=true) [data](data:text/html,x) [odd](JaVaScRiPt:alert(1)) [file](file:///etc/passwd)",
  `![pixel](${ELSEWHERE}/pixel.png) [page](${ELSEWHERE}/page "title' onclick='x")`,
  "`<b>code</b>` <svg onload=alert(1)> <style>*{display:none}</style> <form action=x><input name=attributes></form>",
].join("\n\n");

describe("a hostile run", () => {
  test("runs no script, loads nothing and links only to web pages", async () => {
    await using server = await startMcpServer({ tools: { [`look`]: { run: () => textResult(SCRIPT) } } });
    const { id } = await create(api.url, {
      model: "simulator/default",
      input: SCRIPT,
      background: true,
      metadata: {
        ...scriptSteps({ call: "srv__look", arguments: { x: SCRIPT } }),
        "simulator.text": REPORT.slice(0, 400),
        "simulator.text.2": REPORT.slice(400),
      },
      tools: [{ type: "mcp", server_label: "srv", server_url: server.url, require_approval: "never" }],
    });
    await pollToEnd(api.url, id);
    await using browser = await ConsoleBrowser.start();
    await using console = await browser.open(api.url);
    const { page, problems } = console;
    const requested: string[] = [];
    page.on("request", (request) => requested.push(request.url()));
    await page.goto(`${page.url()}#/runs/${id}`);
    await page.getByText("completed", { exact: true }).waitFor();
    await page.locator(".report a").first().waitFor();
    for (const summary of await page.locator(".step summary").all()) await summary.click();
    await page.getByRole("button", { name: "JSON", exact: true }).first().click();
    expect(await page.evaluate("window.taken")).toBeUndefined();
    expect(await page.locator(".run img, .run script, .run iframe, .run form, .run svg, .run style").count()).toBe(0);
    const links = await page.evaluate(
      "[...document.querySelectorAll('.report a')].map((a) => [a.href, a.rel, a.target])",
    );
    const safe = ["noopener noreferrer", "_blank"];
    expect(links).toEqual([
      // The address in the text of the iframe.
      [`${ELSEWHERE}/`, ...safe],
      [`${ELSEWHERE}/pixel.png`, ...safe],
      [`${ELSEWHERE}/page`, ...safe],
    ]);
    expect(await page.locator(".report").textContent()).toContain("<script>window.taken = true</script>");
    expect(requested.filter((url) => !url.startsWith(new URL(page.url()).origin))).toEqual([]);
    expect(problems).toEqual([]);
  });
});

/** A pause that people notice; other processes of a test run take their share of it. */
const LONG_PAUSE_MS = 1000;

/** Longest time between two frames, in milliseconds, since the page began to load. */
const WATCH_FRAMES = `
  window.longestFrame = 0;
  let last = performance.now();
  requestAnimationFrame(function watch(now) {
    window.longestFrame = Math.max(window.longestFrame, now - last);
    last = now;
    requestAnimationFrame(watch);
  });
`;

test("a run of 100,000 events is shown without long pauses", async () => {
  const { id } = await create(api.url, simulate({ reasoning: 50_000, tokens: 50_000, delay_ms: 0 }));
  const { output } = await pollToEnd(api.url, id);
  await using browser = await ConsoleBrowser.start();
  await using console = await browser.open(api.url);
  const { page, problems } = console;
  await page.addInitScript(WATCH_FRAMES);
  await page.goto(`${page.url()}#/runs/${id}`);
  await page.reload();
  await page.getByText("completed", { exact: true }).waitFor();
  expect(await page.evaluate("window.longestFrame")).toBeLessThan(LONG_PAUSE_MS);
  expect(await page.locator(".timeline .step").count()).toBe(output.length);
  expect(problems).toEqual([]);
});
