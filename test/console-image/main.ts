/** `npm run docs:console`: a research run in the console, as docs/console.png. It needs Chromium and no key. */
import { writeFile } from "node:fs/promises";
import { startAlmanac } from "../../src/local/demo/research/almanac.ts";
import { ExecutedCallLog } from "../../src/local/demo/research/check-calls.ts";
import { startLocalWeb } from "../../src/local/demo/research/local-web.ts";
import { createScriptedPlan, LABEL, QUESTION } from "../../src/local/demo/research/scripted-plan.ts";
import { type DemoStage, runDemo, startInstallation } from "../../src/local/demo/run-demo.ts";
import { ConsoleBrowser } from "../support/console-browser.ts";

const IMAGE = new URL("../../docs/console.png", import.meta.url);
const TIME_LIMIT_MS = 120_000;
const SIZE = { width: 1200, height: 860 };

async function photograph(stage: DemoStage): Promise<void> {
  const executed = new ExecutedCallLog();
  await using web = await startLocalWeb(executed);
  await using almanac = await startAlmanac(executed, { holdsFirst: false });
  const settings = { SEARXNG_URL: web.url, FETCH_ALLOWED_HOSTS: `${web.host},${almanac.host}` };
  const url = await startInstallation(stage, { timeLimitMs: TIME_LIMIT_MS, settings });
  const answer = await fetch(`${url}/responses`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "simulator/default",
      input: QUESTION,
      background: true,
      tools: [
        { type: "web_search" },
        { type: "mcp", server_label: LABEL, server_url: almanac.url, require_approval: "never" },
        { type: "code_interpreter", container: { type: "auto" } },
      ],
      metadata: createScriptedPlan(web.url),
    }),
    signal: stage.signal,
  });
  const created = (await answer.json()) as { id: string };
  await using browser = await ConsoleBrowser.start();
  await using console = await browser.open(url, `#/runs/${created.id}`, { viewport: SIZE });
  const { page } = console;
  await page.getByText("completed", { exact: true }).waitFor({ timeout: TIME_LIMIT_MS });
  await page.getByText("Turn 7").waitFor();
  await writeFile(IMAGE, await page.screenshot());
}

process.exit(await runDemo({ title: "A research run in the console", environment: process.env }, photograph));
