/** A response that crashes its worker is found and failed, and costs its neighbours no attempt. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { create, pollToEnd, RedisInspector, simulate } from "../support/api-client.ts";
import { type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectOneTerminal } from "../support/subscriber.ts";
import { type Answer, created, message, startUpstreamServer, stream } from "../support/upstream-server.ts";

const HEALTHY = 30;
/** As many as the rule allows: beside other runs once with progress and twice without, and then twice alone. */
const MOST_CRASHES = { silent: 5, talkative: 6 };

test.each<[keyof typeof MOST_CRASHES, Answer]>([
  ["silent", stream(created())],
  ["talkative", stream(created(), ...message(0, "msg_1", ["One ", "and ", "all."]))],
])("a %s poison among healthy runs is found", { timeout: 180_000 }, async (kind, answer) => {
  const prefix = uniquePrefix();
  const folder = await mkdtemp(join(tmpdir(), "background-responses-poison-"));
  using inspector = new RedisInspector(prefix);
  let poison = "";
  const killed: number[] = [];
  /** Every process that runs the poison crashes. */
  const die = async (): Promise<void> => {
    const pid = Number((await inspector.meta(poison))["worker"]!.split(":").at(-1));
    killed.push(pid);
    process.kill(pid, "SIGKILL");
  };
  const deadly: Answer = (response) => {
    // Its other side exits, which breaks the connection.
    upstream.requests.at(-1)!.closed.catch(() => {});
    answer(response);
    void die();
  };
  await using upstream = await startUpstreamServer(deadly);
  const path = join(folder, "providers.json");
  const lab = { kind: "openai-responses", base_url: upstream.url };
  await writeFile(path, JSON.stringify({ providers: { lab } }));
  const environment = {
    KEY_PREFIX: prefix,
    PROVIDERS_FILE: path,
    LOCK_DURATION_MS: "1000",
    STALLED_INTERVAL_MS: "400",
    // An attempt charged for a neighbour's crash would fail it.
    MAX_ATTEMPTS: "1",
  };
  await using api = await startApi(environment);
  // Some make progress, and some wait for their first word all the time.
  const healthy = await Promise.all(
    Array.from({ length: HEALTHY }, (_, i) =>
      create(api.url, simulate(i % 8 === 0 ? { tokens: 2, delay_ms: 4_000 } : { tokens: 400, delay_ms: 20 })),
    ),
  );
  poison = (await create(api.url, { model: "lab/poison", input: "Die.", background: true })).id;
  const all = Promise.all([...healthy.map(({ id }) => id), poison].map((id) => pollToEnd(api.url, id)));
  const over = new AbortController();
  const crashed: ServerProcess[] = [];
  const supervised = (async () => {
    while (!over.signal.aborted) {
      await using worker = await startWorker(environment);
      const stopped = all.then(() => worker.stop());
      await Promise.race([worker.exited, stopped]);
      crashed.push(worker);
    }
  })();
  const ended = await all.finally(() => over.abort());
  await supervised;
  expect(ended.slice(0, -1).map(({ status }) => status)).toEqual(healthy.map(() => "completed"));
  expect(ended.at(-1)).toMatchObject({ status: "failed", error: { code: "server_error" } });
  expect(ended.at(-1)!.error!.message).toContain("ran it alone crashed 2 times");
  expect(killed.length).toBeGreaterThan(2);
  expect(killed.length).toBeLessThanOrEqual(MOST_CRASHES[kind]);
  const workers = new Set(crashed.map(({ child }) => child.pid!));
  expect(
    killed.filter((pid) => !workers.has(pid)),
    "alone",
  ).toHaveLength(2);
  for (const { id } of healthy) expectOneTerminal(await inspector.log(id));
  await rm(folder, { recursive: true });
});
