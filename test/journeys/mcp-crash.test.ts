/**
 * `kill -9` of workers during tool calls: recorded results are reused, and a call that changes something never runs
 * twice.
 */
import { expect, test } from "vitest";
import { create, pollToEnd } from "../support/api-client.ts";
import { startMcpServer, textResult } from "../support/mcp-server.ts";
import { startWorker } from "../support/processes.ts";
import { seededRandom } from "../support/random.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectLegal, expectOneTerminal } from "../support/subscriber.ts";
import { openTestServer } from "../support/test-server.ts";
import { scriptSteps } from "../support/tool-runs.ts";

const KILLS = 100;
/** Workers that run and are killed side by side: their starts take most of the test's time. */
const LANES = 2;
/** Responses in flight at any time, each at another point of its plan. */
const PARALLEL = 8;

const prefix = uniquePrefix();
const environment = {
  KEY_PREFIX: prefix,
  FETCH_ALLOWED_HOSTS: "127.0.0.1",
  STRICT_EVENTS: "true",
  LOCK_DURATION_MS: "600",
  STALLED_INTERVAL_MS: "250",
  MAX_ATTEMPTS: "200",
  ISOLATE_AFTER_LOSSES: "1000",
};
const { api, inspector } = await openTestServer(environment);

/** The calls of the `n`th response: sequential or parallel, read-only or not. */
function planOf(n: number): Record<string, string> {
  const call = (name: string, k: number) => ({ call: `srv__${name}`, arguments: { x: `${n}-${k}` } });
  return scriptSteps(
    [call("look", 1), call("change", 2)],
    call("change", 3),
    [call("look", 4), call("change", 5), call("look", 6)],
    call("look", 7),
  );
}
const CALLS = [1, 2, 3, 4, 5, 6, 7];

test(`${KILLS} workers are killed at random points of several responses`, { timeout: 600_000 }, async () => {
  const random = seededRandom(100);
  const pick = (below: number) => Math.floor(random() * below);
  /** A delay measured in Redis replies. */
  const linger = async (most: number): Promise<void> => {
    for (let left = pick(most); left > 0; left -= 1) await inspector.redis.ping();
  };
  const ids: string[] = [];
  const madeThoughRecorded: string[] = [];

  /** Some calls take effect and are answered, some answers are on their way, and some never come. */
  const make = async (name: string, x: string) => {
    const said = `${name} ${x} is done`;
    const journal = await inspector.redis.hgetall(inspector.layout.calls(ids[Number(x.split("-")[0])]!));
    const recorded = Object.entries(journal).filter(([field]) => field.startsWith("result:"));
    if (recorded.some(([, json]) => json.includes(said))) madeThoughRecorded.push(said);
    await linger(60);
    return textResult(said);
  };
  await using server = await startMcpServer({
    tools: {
      look: { annotations: { readOnlyHint: true }, run: ({ x }) => make("look", String(x)) },
      change: { run: ({ x }) => make("change", String(x)) },
    },
  });

  const open = async (): Promise<void> => {
    const tool = { type: "mcp", server_label: "srv", server_url: server.url, require_approval: "never" };
    const metadata = { ...planOf(ids.length), "simulator.delay_ms": "3" };
    const index = ids.push("") - 1;
    const body = { model: "simulator/default", input: "Go on.", background: true, metadata, tools: [tool] };
    ids[index] = (await create(api.url, body)).id;
  };
  let kills = 0;
  const lane = async (): Promise<void> => {
    while (kills < KILLS) {
      kills += 1;
      await using worker = await startWorker(environment);
      while ((await inspector.inFlight()).length < PARALLEL) await open();
      // Any message of the protocol, and then any moment after it.
      const due = server.methods.length + 1 + pick(12);
      await server.until(() => server.methods.length >= due);
      await linger(80);
      worker.kill("SIGKILL");
      await worker.exited;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await using _last = await startWorker(environment);
  for (const id of ids) await pollToEnd(api.url, id);

  expect(madeThoughRecorded).toEqual([]);
  const changes = server.begun.filter((said) => said.startsWith("change"));
  expect(changes.toSorted()).toEqual([...new Set(changes)].toSorted());
  const attempts = await Promise.all(ids.map(async (id) => Number((await inspector.meta(id))["attempts"])));
  expect(attempts.reduce((sum, count) => sum + count - 1, 0)).toBeGreaterThan(KILLS);
  let interrupted = 0;
  for (const [n, id] of ids.entries()) {
    const log = await inspector.log(id);
    expectLegal(log);
    const { status, output } = expectOneTerminal(log);
    expect(status).toBe("completed");
    const calls = output.flatMap((item) => (item.type === "mcp_call" ? [item] : []));
    expect(calls.map((item) => JSON.parse(item.arguments) as unknown)).toEqual(CALLS.map((k) => ({ x: `${n}-${k}` })));
    expect(output.map(({ type }) => type)).toEqual(["mcp_list_tools", ...CALLS.map(() => "mcp_call"), "message"]);
    // Only a call that may have changed something is reported as having an unknown outcome.
    const unknown = calls.filter((item) => item.status !== "completed");
    expect(unknown.map(({ name }) => name)).toEqual(unknown.map(() => "change"));
    interrupted += unknown.length;
  }
  expect(interrupted).toBeGreaterThan(0);
});
