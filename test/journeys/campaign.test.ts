/** A small `npm run campaign`: workers stop in the middle of calls and messages, and no trusting client is misled. */
import { expect, test } from "vitest";
import { runCampaign } from "../campaign/campaign.ts";
import { openCalls, openMessages, openPrefixedMessages } from "../campaign/scenario.ts";
import { testRedisUrl } from "../support/redis.ts";

/** Each starts more than a dozen processes. */
const TIME_LIMIT_MS = 180_000;

test.each([
  [10, "calls", openCalls],
  [10, "messages of the simulator", openMessages],
  [4, "messages of a vendor that continues them", openPrefixedMessages],
])("%i workers stop in the middle of %s", { timeout: TIME_LIMIT_MS }, async (losses, _name, scenario) => {
  const report = await runCampaign({ redisUrl: testRedisUrl(), scenario, losses });
  expect([report.kills, report.drains]).toEqual([losses / 2, losses / 2]);
  expect(report.interruptions).toBeGreaterThanOrEqual(losses);
  expect(report.errors).toEqual({ incompleteCalls: 0, wrongCalls: 0, differentTexts: 0, notCompleted: 0 });
});
