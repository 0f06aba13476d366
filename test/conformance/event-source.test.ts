/** A browser's own EventSource: it resumes by itself after an API process is killed, and stops at the end. */
import { expect, test } from "vitest";
import { create, RedisInspector, simulate } from "../support/api-client.ts";
import { ensureChromium, NoChromiumError } from "../support/chromium.ts";
import { FollowingPage } from "../support/following-page.ts";
import { type ApiProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectExact, type ReceivedEvent } from "../support/subscriber.ts";
import { SENT } from "./events/event-types.ts";

const KILLED_AT = 20;

test("an EventSource gets every event once despite an API crash, and stops", async () => {
  await using page = await FollowingPage.start();
  const environment = { KEY_PREFIX: uniquePrefix(), CORS_ORIGINS: page.origin };
  using inspector = new RedisInspector(environment.KEY_PREFIX);
  await using doomed = await startApi(environment);
  await using _worker = await startWorker(environment);
  const { port } = new URL(doomed.url);
  const { id } = await create(doomed.url, simulate({ reasoning: 10, tokens: 120, delay_ms: 20 }));

  const events: ReceivedEvent[] = [];
  let revived: Promise<ApiProcess> | undefined;
  const end = await page.follow(`${doomed.url}/responses/${id}?stream=true`, {
    types: SENT,
    onEvent: (event) => {
      events.push(event);
      if (event.id === KILLED_AT) revived = revive();
    },
  });
  async function revive(): Promise<ApiProcess> {
    doomed.kill("SIGKILL");
    await doomed.exited;
    return await startApi({ ...environment, PORT: port });
  }
  await using _api = (await revived)!;
  expectExact(events, await inspector.log(id), 0);
  expect(end).toBe("stopped");
});

test("a missing Chromium is named in the error", async () => {
  const log: string[] = [];
  const missing = ensureChromium({ PATH: "/nowhere" }, (line) => void log.push(line));
  await expect(missing).rejects.toBeInstanceOf(NoChromiumError);
  await expect(missing).rejects.toThrow("so that the PATH has one of chromium, chromium-browser, google-chrome-stable");
  expect(log).toEqual([]);
});
