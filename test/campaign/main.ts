/**
 * `npm run campaign`: kills and stops real workers in the middle of calls and messages, hundreds of times, and counts the
 * errors in the results of a trusting client. Every count must be 0.
 *
 *     npm run campaign                   200 in the middle of calls, 200 in the middle of messages of the simulator, and 20
 *                                        in the middle of messages of a vendor that continues them
 *     npm run campaign -- --losses 20
 */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureRedis } from "../../src/local/redis/local-server.ts";
import { type CampaignReport, runCampaign } from "./campaign.ts";
import type { ErrorCounts } from "./followed-response.ts";
import { openCalls, openMessages, openPrefixedMessages, type OpenScenario } from "./scenario.ts";

const LOSSES = 200;
/** Additional losses at a vendor. */
const LOSSES_PER_VENDOR_LOSS = 10;
/** Far more than it takes: something hangs. */
const TIME_LIMIT_MS = 30 * 60_000;
const EXIT_ERRORS = 1;

const ERROR_TITLES: Record<keyof ErrorCounts, string> = {
  incompleteCalls: "incomplete calls visible",
  wrongCalls: "calls executed twice, wrongly or never",
  differentTexts: "responses whose joined deltas are not the final text",
  notCompleted: "responses not completed",
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { losses: { type: "string", default: String(LOSSES) } } });
  const losses = Number(values.losses);
  const scenarios: [OpenScenario, number][] = [
    [openCalls, losses],
    [openMessages, losses],
    [openPrefixedMessages, Math.ceil(losses / LOSSES_PER_VENDOR_LOSS)],
  ];
  const dataDir = await mkdtemp(join(tmpdir(), "background-responses-campaign-"));
  process.on("exit", () => rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 }));
  await using redis = await ensureRedis({ dataDir, allowInstall: true, log: say, environment: process.env });
  for (const [scenario, count] of scenarios) {
    const startedAtMs = Date.now();
    const report = await runCampaign({ redisUrl: redis.url, scenario, losses: count });
    print(report, Math.round((Date.now() - startedAtMs) / 1000));
    if (Object.values(report.errors).some((errors) => errors > 0)) process.exitCode = EXIT_ERRORS;
  }
}

function print({ name, kills, drains, interruptions, responses, errors }: CampaignReport, seconds: number): void {
  say(`\nIn the middle of ${name}: ${kills} kills and ${drains} drains, ${seconds} s`);
  const rows: [string, number][] = [
    ["responses", responses],
    ["times that a response lost its worker in the middle", interruptions],
    ...Object.entries(ERROR_TITLES).map(([name, title]): [string, number] => [
      title,
      errors[name as keyof ErrorCounts],
    ]),
  ];
  for (const [title, count] of rows) say(`  ${String(count).padStart(6)}  ${title}`);
}

setTimeout(() => {
  say(`The campaign has not ended after ${TIME_LIMIT_MS / 60_000} minutes.`);
  process.exit(EXIT_ERRORS);
}, TIME_LIMIT_MS).unref();

await main();
