/** The previous release and this one on one Redis: runs are handed over both ways, and newer data is rejected. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { create, pollToEnd, RedisInspector, send, simulate } from "../support/api-client.ts";
import {
  checkOutPreviousRelease,
  type PreviousRelease,
  findReasonForNoPreviousRelease,
} from "../support/previous-release.ts";
import { ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { WebhookReceiver } from "../support/webhook-receiver.ts";
import { expectExact, expectOneTerminal, subscribe } from "../support/subscriber.ts";

const EXIT_MISCONFIGURED = 78;

test.each(["src/server.ts", "workers/main.ts"])("%s rejects data of a newer release", async (script) => {
  const prefix = uniquePrefix();
  using inspector = new RedisInspector(prefix);
  await inspector.redis.set(`${prefix}:data-version`, "2");
  await using rejected = new ServerProcess(script, script, { KEY_PREFIX: prefix, PORT: "0" });
  await rejected.line(
    ({ msg }) => msg.includes(`The data in Redis have version 2 (${prefix}:data-version)`),
    "an error",
  );
  expect(await rejected.exited).toBe(EXIT_MISCONFIGURED);
  // Warnings about the tests' Redis do not matter here.
  expect(rejected.lines.filter(({ level }) => level !== 40)).toHaveLength(1);
});

test("the version of the data is recorded, and read by the next process", async () => {
  const prefix = uniquePrefix();
  using inspector = new RedisInspector(prefix);
  await using _api = await startApi({ KEY_PREFIX: prefix });
  expect(await inspector.redis.get(`${prefix}:data-version`)).toBe("1");
  await using _worker = await startWorker({ KEY_PREFIX: prefix });
});

const missing = await findReasonForNoPreviousRelease();
// Without the git history this is skipped, under a name that says so, and with a line on standard error.
if (missing !== undefined) process.stderr.write(`${missing}\n`);

describe.skipIf(missing !== undefined)(`with the previous release ${missing ?? ""}`, { timeout: 60_000 }, () => {
  let previous: PreviousRelease;
  beforeAll(async () => {
    previous = await checkOutPreviousRelease();
  });
  afterAll(async () => await previous[Symbol.asyncDispose]());

  const RELEASES = { this: (environment: Record<string, string>) => environment, previous: from };
  function from(environment: Record<string, string>): Record<string, string> {
    return { ...environment, RELEASE: previous.folder };
  }

  test.each([
    ["this", "previous", "this", "SIGTERM"],
    ["this", "previous", "this", "SIGKILL"],
    ["this", "this", "previous", "SIGTERM"],
    ["previous", "this", "previous", "SIGKILL"],
    ["previous", "previous", "this", "SIGTERM"],
  ] as const)(
    "an API of %s: a run goes from a worker of %s to one of %s, by %s",
    async (api, first, second, signal) => {
      const prefix = uniquePrefix();
      using inspector = new RedisInspector(prefix);
      const environment = { KEY_PREFIX: prefix, DRAIN_GRACE_MS: "0" };
      await using server = await startApi(RELEASES[api](environment));
      await using leaving = await startWorker(RELEASES[first](environment));
      const { id } = await create(server.url, simulate({ tokens: 120, delay_ms: 20 }));
      const stream = subscribe(server.url, id);
      await subscribe(server.url, id, { cutAfterEvents: 30 });
      leaving.kill(signal);
      await leaving.exited;
      await using _next = await startWorker(RELEASES[second](environment));
      expect((await pollToEnd(server.url, id)).status).toBe("completed");
      expectExact((await stream).events, await inspector.log(id), 0);
      expect(expectOneTerminal(await inspector.log(id)).status).toBe("completed");
    },
  );

  test("an end that a worker of the previous release settles is listed, and has one webhook", async () => {
    await using receiver = await WebhookReceiver.start();
    const environment = {
      KEY_PREFIX: uniquePrefix(),
      FETCH_ALLOWED_HOSTS: new URL(receiver.url).host,
      WEBHOOKS_ALLOW_HTTP: "true",
      API_KEYS: "lab:key-of-the-lab-0001",
    };
    const headers = { authorization: "Bearer key-of-the-lab-0001" };
    await using api = await startApi(environment);
    const fields = { name: "Test", url: receiver.url, event_types: ["response.completed"] };
    await send("POST", `${api.url}/webhook_endpoints`, fields, headers);
    await using leaving = await startWorker(from(environment));
    const settled = (await create(api.url, simulate({ tokens: 3, delay_ms: 0 }), headers)).id;
    await pollToEnd(api.url, settled, headers);
    await leaving.stop();
    expect(receiver.tries).toEqual([]);

    await using _worker = await startWorker(environment);
    const own = (await create(api.url, simulate({ tokens: 3, delay_ms: 0 }), headers)).id;
    const tries = await receiver.until(({ length }) => length >= 2);
    const idsOf = () => tries.map(({ body }) => (JSON.parse(body) as { data: { id: string } }).data.id);
    expect(new Set(idsOf())).toEqual(new Set([settled, own]));
    const { body: listed } = await send<{ data: { id: string }[] }>("GET", `${api.url}/responses`, undefined, headers);
    expect(listed.data.map(({ id }) => id)).toEqual([own, settled]);
    // Later sweeps find nothing to settle.
    const last = (await create(api.url, simulate({ tokens: 3, delay_ms: 0 }), headers)).id;
    await receiver.until((all) => all.some(({ body }) => body.includes(last)));
    expect(receiver.tries).toHaveLength(3);
  });
});
