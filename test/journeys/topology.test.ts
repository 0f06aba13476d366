/** Redis with replicas, and Redis Cluster: real servers of both kinds. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Response } from "../../src/protocol/response.ts";
import { startPrivateRedis } from "../../src/local/redis/private-server.ts";
import { EventLog, sequenceEvents } from "../../src/stream/log/event-log.ts";
import { create, pollToEnd, RedisInspector, send, simulate } from "../support/api-client.ts";
import { startCluster } from "../support/cluster.ts";
import { pollUntil } from "../support/poll-until.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { messageEvents, sampleRecord } from "../support/samples.ts";
import { createLeasedResponse, openTestStorage } from "../support/storage.ts";
import { startSwitchingProxy } from "../support/switching-proxy.ts";
import { expectExact, type ReceivedEvent, subscribe } from "../support/subscriber.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "journey-topology-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const start = async (name: string, extraArgs: string[] = []) =>
  await startPrivateRedis({ dataDir: join(folder, name), extraArgs });

/** Polls `INFO` until it contains `text`. */
async function untilInfoHas(redis: Redis, section: string, text: string): Promise<void> {
  await pollUntil(
    async () => await redis.info(section),
    (info) => info.includes(text),
  );
}

test("with a required replica, subscribers see only events that it has", async () => {
  await using primary = await start("primary");
  await using replica = await start("replica", ["--replicaof", "127.0.0.1", String(primary.port)]);
  const environment = { KEY_PREFIX: uniquePrefix(), REDIS_URL: primary.url, REDIS_MIN_REPLICAS_ACKED: "1" };
  using inspector = new RedisInspector(environment.KEY_PREFIX, primary.url);
  using copy = new RedisInspector(environment.KEY_PREFIX, replica.url);
  await untilInfoHas(inspector.redis, "replication", "state=online");
  await using api = await startApi(environment);
  await using _worker = await startWorker(environment);

  const { id } = await create(api.url, simulate({ tokens: 120, delay_ms: 10 }));
  const unacknowledged: number[] = [];
  let shown: number | undefined;
  let durable: number | undefined;
  const onEvent = async (event: ReceivedEvent): Promise<void> => {
    const [entry] = await copy.redis.xrange(copy.layout.events(id), `${event.id}-1`, `${event.id}-1`);
    if (entry?.[1][1] !== event.data) unacknowledged.push(event.id);
    if (event.id !== 40) return;
    replica.kill("SIGSTOP");
    // The worker appends and waits for the replica; until then no reader may see the event.
    const meta = await pollUntil(
      async () => await inspector.meta(id),
      ({ last, durable: confirmed }) => Number(last) > Number(confirmed),
    );
    durable = Number(meta["durable"]);
    shown = await lastShown(`${api.url}/responses/${id}?stream=true`);
    replica.kill("SIGCONT");
  };
  const { events } = await subscribe(api.url, id, { onEvent });
  expect(unacknowledged).toEqual([]);
  expect(shown).toBe(durable);
  expectExact(events, await inspector.log(id), 0);
});

test("without the required replica requests are rejected and leave nothing", async () => {
  await using primary = await start("lonely-primary");
  await using replica = await start("lonely-replica", ["--replicaof", "127.0.0.1", String(primary.port)]);
  const plain = { KEY_PREFIX: uniquePrefix(), REDIS_URL: primary.url };
  const environment = { ...plain, REDIS_MIN_REPLICAS_ACKED: "1" };
  using inspector = new RedisInspector(plain.KEY_PREFIX, primary.url);
  await untilInfoHas(inspector.redis, "replication", "state=online");

  // Events recorded before replicas were required stay readable.
  await using before = await startApi(plain);
  await using worker = await startWorker(plain);
  const { id } = await create(before.url, simulate({ tokens: 5, delay_ms: 0 }));
  const final = await pollToEnd(before.url, id);
  // A killed worker might not have removed it from the in-flight set yet.
  await worker.stop();
  await using api = await startApi(environment);
  expect((await send("GET", `${api.url}/responses/${id}`)).body).toEqual(final);
  expect((await subscribe(api.url, id)).isWhole).toBe(true);

  replica.kill("SIGSTOP");
  const answers = await Promise.all([1, 2, 3].map(() => send("POST", `${api.url}/responses`, simulate({ tokens: 1 }))));
  replica.kill("SIGCONT");
  expect(answers.map((answer) => answer.status)).toEqual([503, 503, 503]);
  expect(await inspector.inFlight()).toEqual([]);
  const metas = await inspector.redis.keys(`${plain.KEY_PREFIX}:{resp_*}:meta`);
  expect(metas).toEqual([inspector.layout.meta(id)]);
  const accepted = await create(api.url, simulate({ tokens: 1 }));
  expect(await inspector.inFlight()).toEqual([accepted.id]);
});

test("everything resumes at a new primary whose former one becomes its replica", async () => {
  await using first = await start("first-primary");
  await using second = await start("second-primary", ["--replicaof", "127.0.0.1", String(first.port)]);
  await using address = await startSwitchingProxy(first.port);
  const environment = { KEY_PREFIX: uniquePrefix(), REDIS_URL: address.url };
  using old = new RedisInspector(environment.KEY_PREFIX, first.url);
  using inspector = new RedisInspector(environment.KEY_PREFIX, second.url);
  await untilInfoHas(old.redis, "replication", "state=online");
  await using api = await startApi(environment);
  await using _worker = await startWorker(environment);
  const { id } = await create(api.url, simulate({ tokens: 100, delay_ms: 20 }));
  const onEvent = async (event: ReceivedEvent): Promise<void> => {
    if (event.id !== 20) return;
    address.port = second.port;
    await inspector.redis.replicaof("NO", "ONE");
    await old.redis.replicaof("127.0.0.1", second.port);
  };
  // The old one may lack later events: a client without the end asks again.
  await subscribe(api.url, id, { onEvent });
  expect((await pollToEnd(api.url, id)).status).toBe("completed");
  expect((await subscribe(api.url, id)).isWhole).toBe(true);
  const next = await pollToEnd(api.url, (await createAgain(api.url)).id);
  expect(await inspector.meta(next.id)).toMatchObject({ status: "completed" });
});

/** Until it is accepted: the API's connection learns of the failover by an error. */
async function createAgain(url: string): Promise<Response> {
  for (;;) {
    const { status, body } = await send("POST", `${url}/responses`, simulate({ tokens: 1, delay_ms: 0 }));
    if (status === 200) return body;
    expect(status).toBe(503);
  }
}

test("a replica promoted without the last events does not report them durable", async () => {
  await using primary = await start("promoted");
  await using _replica = await start("its-replica", ["--replicaof", "127.0.0.1", String(primary.port)]);
  await using storage = await openTestStorage(uniquePrefix(), primary.url);
  await untilInfoHas(storage.redis as Redis, "replication", "state=online");
  const log = new EventLog(storage.redis, storage.layout, { minReplicasAcked: 1 });
  const { id, lease } = await createLeasedResponse(storage, sampleRecord({ durable: log.initialVisibleEnd }));
  const durable = async () => (await storage.records.read(id))?.durable;
  await log.append(id, { lease, first: 2, events: sequenceEvents(2, messageEvents(0, ["a"])) });
  expect(await durable()).toBe(7);
  // Beyond that, the former primary's confirmations do not exist here.
  await log.publishDurable(id, 9);
  expect(await durable()).toBe(7);
  await log.publishDurable(id, 5);
  expect(await durable()).toBe(7);
});

/** The last event that a new subscriber gets until the third heartbeat: each heartbeat reads the log once more. */
async function lastShown(url: string): Promise<number> {
  const cut = new AbortController();
  const response = await fetch(url, { signal: cut.signal });
  let text = "";
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk).toString();
    if (text.split(": keep-alive\n").length > 3) break;
  }
  cut.abort();
  return Number([...text.matchAll(/^id: (\d+)$/gm)].at(-1)![1]);
}

test("a Redis Cluster supports create, follow, list, cancel, recover and delete", async () => {
  const { nodes, url } = await startCluster(join(folder, "cluster"));
  try {
    const environment = {
      KEY_PREFIX: uniquePrefix(),
      REDIS_URL: url,
      REDIS_CLUSTER: "true",
      RATE_LIMIT_OPEN_RESPONSES_PER_PROJECT: "20",
    };
    await using api = await startApi(environment);
    await using doomed = await startWorker(environment);
    const ids = await Promise.all(
      Array.from(
        { length: 6 },
        async (_, seed) => (await create(api.url, simulate({ tokens: 80, delay_ms: 15, seed }))).id,
      ),
    );
    const streams = ids.map((id, i) =>
      subscribe(api.url, id, { onEvent: (event) => (i === 0 && event.id === 25 ? doomed.kill("SIGKILL") : undefined) }),
    );
    await doomed.exited;
    await using _heir = await startWorker(environment);
    for (const [i, { events, isWhole }] of (await Promise.all(streams)).entries()) {
      expect(isWhole).toBe(true);
      const replayed = await subscribe(api.url, ids[i]!);
      expectExact(
        events,
        replayed.events.map((event) => event.data),
        0,
      );
      expect((await pollToEnd(api.url, ids[i]!)).status).toBe("completed");
    }
    const running = await create(api.url, simulate({ hang: true }));
    await subscribe(api.url, running.id, { cutAfterEvents: 6 });
    const list = async (query: string) => {
      const { body } = await send<{ data: { id: string }[] }>("GET", `${api.url}/responses?${query}`);
      return body.data.map((listed) => listed.id);
    };
    expect(await list("status=in_progress")).toEqual([running.id]);
    expect((await send("POST", `${api.url}/responses/${running.id}/cancel`)).body.status).toBe("cancelled");
    expect(await list("status=cancelled&metadata[simulator.hang]=true")).toEqual([running.id]);
    const first = await list("status=completed&limit=4");
    const second = await list(`status=completed&after=${first.at(-1)}`);
    expect([...first, ...second].toSorted()).toEqual(ids.toSorted());
    expect((await send("DELETE", `${api.url}/responses/${running.id}`)).status).toBe(200);
    expect(await list("status=cancelled")).toEqual([]);
  } finally {
    await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
  }
});
