/** Machines' clocks are wrong, and change while the server runs: what several processes compare is in Redis's time. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findFreePort } from "../../src/local/redis/private-server.ts";
import { create, pollToEnd, RedisInspector, send, simulate } from "../support/api-client.ts";
import { type LogLine, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { subscribe } from "../support/subscriber.ts";
import {
  type Answer,
  completed,
  created,
  message,
  answerError,
  startUpstreamServer,
  streamAndEnd,
  type UpstreamServer,
} from "../support/upstream-server.ts";
import { unwrap, WebhookReceiver } from "../support/webhook-receiver.ts";

const HOUR_MS = 60 * 60_000;
const STEP = new URL("../support/clock-step.ts", import.meta.url).href;
const BACK = { NODE_OPTIONS: `--import=${STEP}`, CLOCK_STEP_MS: String(-HOUR_MS) };
const AHEAD = { NODE_OPTIONS: `--import=${STEP}`, CLOCK_OFFSET_MS: String(HOUR_MS) };
const isSkewed = ({ msg }: LogLine) => msg.startsWith("This machine's clock differs");

async function setClock(process: ServerProcess): Promise<void> {
  process.kill("SIGUSR2");
  await process.line(({ msg }) => msg === "Clock set", "setting its clock");
}

describe.concurrent("a clock that is set back by an hour", { timeout: 30_000 }, () => {
  test("a worker warns of it, and its stream continues", async () => {
    const environment = { KEY_PREFIX: uniquePrefix(), WORKER_PORT: String(await findFreePort()) };
    await using api = await startApi(environment);
    await using worker = await startWorker({ ...environment, ...BACK });
    const { id, created_at } = await create(api.url, simulate({ tokens: 100, delay_ms: 20 }));
    const stream = await subscribe(api.url, id, {
      onEvent: async (event) => {
        if (event.id === 20) await setClock(worker);
      },
    });
    expect(stream.events.at(-1)?.type).toBe("response.completed");
    const { completed_at } = await pollToEnd(api.url, id);
    expect(completed_at).toBeGreaterThanOrEqual(created_at);
    const { skewMs } = await worker.line(isSkewed, "its skew");
    expect(Math.round(Number(skewMs) / 60_000)).toBe(-60);
    const readiness = await send<{ warnings: string[] }>("GET", `http://127.0.0.1:${environment.WORKER_PORT}/readyz`);
    expect(readiness.status).toBe(200);
    const behind = /^This machine's clock is 3\d{3} s behind Redis's: set both by NTP\.$/;
    expect(readiness.body.warnings).toContainEqual(expect.stringMatching(behind));
  });

  test("an API process warns of it, and keeps counting responses in flight", async () => {
    const environment = { KEY_PREFIX: uniquePrefix(), MAX_OPEN_RESPONSES: "1" };
    await using api = await startApi({ ...environment, ...BACK });
    const open: string[] = [];
    const post = async (): Promise<number> => {
      const { status, body } = await send("POST", `${api.url}/responses`, simulate({}));
      if (status === 200) open.push(body.id);
      return status;
    };
    await expect.poll(post).toBe(429);
    await setClock(api);
    for (const id of open) await send("POST", `${api.url}/responses/${id}/cancel`);
    await expect.poll(post).toBe(200);
  });
});

describe.concurrent("a clock that is an hour ahead", { timeout: 30_000 }, () => {
  test("a worker warns of it, and ends no response as overdue", async () => {
    const environment = { KEY_PREFIX: uniquePrefix(), RESPONSE_DEADLINE_SECONDS: "600" };
    await using api = await startApi(environment);
    await using worker = await startWorker({ ...environment, ...AHEAD });
    const { id } = await create(api.url, simulate({ tokens: 100, delay_ms: 20 }));
    // It is run and swept meanwhile.
    expect(await pollToEnd(api.url, id)).toMatchObject({ status: "completed", error: null });
    expect(worker.lines.filter(({ msg }) => msg === "Sweeping")).toEqual([]);
    expect((await worker.line(isSkewed, "its skew"))["skewMs"]).toBeGreaterThan(HOUR_MS - 60_000);
  });

  test("a worker sends webhooks with the right time", async () => {
    await using receiver = await WebhookReceiver.start();
    const environment = { KEY_PREFIX: uniquePrefix(), FETCH_ALLOWED_HOSTS: "127.0.0.1", WEBHOOKS_ALLOW_HTTP: "true" };
    await using api = await startApi(environment);
    await using _worker = await startWorker({ ...environment, ...AHEAD });
    const fields = { name: "Test", url: receiver.url, event_types: ["response.completed"] };
    const endpoint = await send<{ signing_secret: string }>("POST", `${api.url}/webhook_endpoints`, fields);
    const { id } = await create(api.url, simulate({ tokens: 1, delay_ms: 0 }));
    const [tried] = await receiver.until(({ length }) => length === 1);
    // The clients reject a webhook that is five minutes off.
    expect((await unwrap(tried!, endpoint.body.signing_secret)).data.id).toBe(id);
  });

  test("an API process warns of it, and its deadlines are right", async () => {
    const prefix = uniquePrefix();
    using inspector = new RedisInspector(prefix);
    await using api = await startApi({ KEY_PREFIX: prefix, RESPONSE_DEADLINE_SECONDS: "2", ...AHEAD });
    await using _worker = await startWorker({ KEY_PREFIX: prefix });
    const { id } = await create(api.url, simulate({ hang: true }));
    const { createdAtMs } = await inspector.meta(id);
    expect(Math.abs(Number(createdAtMs) - Date.now())).toBeLessThan(60_000);
    expect(await pollToEnd(api.url, id)).toMatchObject({ status: "failed" });
    await api.line(isSkewed, "its skew");
  });
});

describe.concurrent("a response that waits in the queue for its provider", { timeout: 40_000 }, () => {
  /** Longer than a run waits in its slot. */
  const WAIT_SECONDS = 6;
  const later = answerError(429, { message: "Later" }, { "retry-after": String(WAIT_SECONDS) });
  const answer = streamAndEnd(created(), ...message(0, "msg_1", ["Now."]), completed());
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "background-responses-clock-"));
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  const noting =
    (timesMs: number[], next: Answer): Answer =>
    (response) => {
      timesMs.push(performance.now());
      next(response);
    };

  async function environmentFor(server: UpstreamServer): Promise<Record<string, string>> {
    const prefix = uniquePrefix();
    const path = join(folder, `${prefix}.json`);
    const lab = { kind: "openai-responses", base_url: server.url };
    await writeFile(path, JSON.stringify({ providers: { lab } }));
    return { KEY_PREFIX: prefix, PROVIDERS_FILE: path, UPSTREAM_MAX_RETRIES: "0" };
  }

  const REQUEST = { model: "lab/one", input: "Hi", background: true };
  const isWaiting = ({ msg }: LogLine) => msg === "Waits in the queue for its provider";

  test("is not taken early by a worker whose clock is ahead", async () => {
    const timesMs: number[] = [];
    await using server = await startUpstreamServer(noting(timesMs, later), noting(timesMs, answer));
    const environment = await environmentFor(server);
    await using api = await startApi(environment);
    await using worker = await startWorker(environment);
    const { id } = await create(api.url, REQUEST);
    await worker.line(isWaiting, "a wait");
    await using _ahead = await startWorker({ ...environment, ...AHEAD });
    expect((await pollToEnd(api.url, id)).status).toBe("completed");
    expect(timesMs).toHaveLength(2);
    expect(timesMs[1]! - timesMs[0]!).toBeGreaterThanOrEqual(WAIT_SECONDS * 1_000 - 100);
  });

  test("is taken in time by a worker whose clock is set back", async () => {
    await using server = await startUpstreamServer(later, answer);
    const environment = await environmentFor(server);
    await using api = await startApi(environment);
    await using worker = await startWorker({ ...environment, ...BACK });
    const { id } = await create(api.url, REQUEST);
    await worker.line(isWaiting, "a wait");
    await setClock(worker);
    expect((await pollToEnd(api.url, id)).status).toBe("completed");
  });
});
