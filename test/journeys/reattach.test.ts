/**
 * A provider that runs responses in its own background: here a server of this program. Whatever happens to the second
 * server's workers or connections, the first runs each response once, and the second records all of it.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { Response } from "../../src/protocol/response.ts";
import { create, pollToEnd, RedisInspector, send } from "../support/api-client.ts";
import { type CuttingProxy, startCuttingProxy } from "../support/cutting-proxy.ts";
import { pollUntil, untilNoneInFlight } from "../support/poll-until.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { seededRandom } from "../support/random.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectExact, expectLegal, expectOneTerminal, subscribe } from "../support/subscriber.ts";

const folder = mkdtempSync(join(tmpdir(), "reattach-"));
/** The provider is `a`; clients send their requests to `b`. */
const prefixes = { a: uniquePrefix(), b: uniquePrefix() };
const a = { inspector: new RedisInspector(prefixes.a), environment: { KEY_PREFIX: prefixes.a } };
const b = {
  inspector: new RedisInspector(prefixes.b),
  environment: {
    KEY_PREFIX: prefixes.b,
    PROVIDERS_FILE: join(folder, "providers.json"),
    LOCK_DURATION_MS: "1000",
    STALLED_INTERVAL_MS: "400",
    MAX_ATTEMPTS: "20",
    ISOLATE_AFTER_LOSSES: "1000",
  },
};
let apiOfA: ApiProcess;
let apiOfB: ApiProcess;
let workerOfA: ServerProcess;
let proxy: CuttingProxy;

beforeAll(async () => {
  [apiOfA, workerOfA] = await Promise.all([startApi(a.environment), startWorker(a.environment)]);
  proxy = await startCuttingProxy(apiOfA.url);
  const entry = { kind: "openai-responses", base_url: proxy.url, background: true };
  const providers = { kept: { ...entry, keep_responses: true }, deleted: entry };
  writeFileSync(b.environment.PROVIDERS_FILE, JSON.stringify({ providers }));
  apiOfB = await startApi(b.environment);
});
afterAll(async () => {
  await Promise.all([apiOfB, apiOfA, workerOfA].map((each) => each[Symbol.asyncDispose]()));
  await proxy[Symbol.asyncDispose]();
  for (const { inspector } of [a, b]) inspector[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

const THINKING = {
  model: "kept/simulator/default",
  input: "Tell me about durable logs.",
  background: true,
  reasoning: { effort: "low", summary: "auto" },
};

/** About ten seconds of output. */
const LONG = {
  ...THINKING,
  text: {
    format: {
      type: "json_schema",
      name: "list",
      schema: {
        type: "object",
        properties: { list: { type: "array", minItems: 120, items: { type: "string", minLength: 12 } } },
        required: ["list"],
        additionalProperties: false,
      },
    },
  },
};

/** A's responses that were created for one of B's. */
async function runsOfA(id: string): Promise<string[]> {
  const { inspector } = a;
  const keys = await inspector.redis.keys(inspector.layout.meta("*").replaceAll(/[{}]/g, "?"));
  const ids = keys.map((key) => /\{(resp_\w+)\}/.exec(key)![1]!);
  const firsts = await Promise.all(ids.map(async (each) => [each, (await inspector.log(each))[0] ?? ""] as const));
  return firsts.filter(([, first]) => first.includes(id)).map(([each]) => each);
}

/** The one response of A, once it has ended. */
async function endOfA(id: string): Promise<Response> {
  const runs = await runsOfA(id);
  expect(runs).toHaveLength(1);
  return await pollToEnd(apiOfA.url, runs[0]!);
}

/** The content that a client reads; ids differ for items that were replayed. */
function contentOf({ output }: Response): object[] {
  return (output as readonly OutputItem[]).map((item) => ({ ...item, id: "" }));
}

const doneItems = (log: readonly string[]): OutputItem[] =>
  log
    .map((data) => JSON.parse(data) as { type: string; item: OutputItem })
    .filter(({ type }) => type === "response.output_item.done")
    .map(({ item }) => item);

/** The log is complete and equals the provider's, with each item once. Returns the items that were cut off. */
async function expectSame(id: string): Promise<OutputItem[]> {
  const log = await b.inspector.log(id);
  expectLegal(log);
  const final = expectOneTerminal(log);
  const original = await endOfA(id);
  expect(final.status).toBe("completed");
  expect(contentOf(final)).toEqual(contentOf(original));
  expect(final.usage).toEqual(original.usage);
  const items = doneItems(log);
  const completed = items.filter((item) => item.status !== "incomplete");
  expect(completed).toEqual(final.output);
  expect(new Set(items.map((item) => item.id)).size).toBe(items.length);
  return items.filter((item) => item.status === "incomplete");
}

/** B's response once its worker has read that many events of A's. */
async function beginAndReach(request: object, position: number): Promise<string> {
  const { id } = await create(apiOfB.url, request);
  const cut = new AbortController();
  await subscribe(apiOfB.url, id, {
    signal: cut.signal,
    onEvent: (event) => {
      if (event.id >= position) cut.abort();
    },
  });
  return id;
}

const cancelOnB = async (id: string) => await send("POST", `${apiOfB.url}/responses/${id}/cancel`);

/** B has no remote run left. */
async function untilSettled(): Promise<void> {
  const { redis, layout } = b.inspector;
  await pollUntil(
    async () => await redis.exists(layout.remoteRunRegistry),
    (count) => count === 0,
  );
}

describe("SIGKILL of a worker", () => {
  const SEEDS = 20;

  test(
    `at ${SEEDS} random points: the provider runs each response once, and its events are recorded once`,
    {
      timeout: 300_000,
    },
    async () => {
      const random = seededRandom(7);
      let worker = await startWorker(b.environment);
      for (let seed = 0; seed < SEEDS; seed += 1) {
        const doomed = worker;
        const position = Math.floor(random() * 70);
        const { id } = await create(apiOfB.url, { ...THINKING, input: `Tell me about log ${seed}.` });
        let isKilled = false;
        const running = subscribe(apiOfB.url, id, {
          onEvent: (event) => {
            if (isKilled || event.id < position) return;
            isKilled = true;
            doomed.kill("SIGKILL");
          },
        });
        await Promise.race([doomed.exited, running]);
        doomed.kill("SIGKILL");
        await doomed.exited;
        worker = await startWorker(b.environment);
        const stream = await running;
        expect(stream.isWhole).toBe(true);
        expectExact(stream.events, await b.inspector.log(id), 0);
        // An item in progress was continued in its position.
        expect(await expectSame(id)).toEqual([]);
      }
      await worker[Symbol.asyncDispose]();
    },
  );

  test("before the worker knows the remote id, no second remote run begins", async () => {
    const doomed = await startWorker(b.environment);
    proxy.isSilent = true;
    const { id } = await create(apiOfB.url, { ...THINKING, input: "Tell me about silence." });
    await pollUntil(
      async () => await runsOfA(id),
      (runs) => runs.length > 0,
    );
    doomed.kill("SIGKILL");
    await doomed.exited;
    proxy.isSilent = false;
    await using _heir = await startWorker(b.environment);
    await pollToEnd(apiOfB.url, id);
    expect(await expectSame(id)).toEqual([]);
  });

  test("a function call in progress at the provider is resumed", async () => {
    const doomed = await startWorker(b.environment);
    const parameters = { type: "object", properties: { q: { type: "string" } }, required: ["q"] };
    const id = await beginAndReach({ ...THINKING, tools: [{ type: "function", name: "look_up", parameters }] }, 20);
    doomed.kill("SIGKILL");
    await doomed.exited;
    await using _heir = await startWorker(b.environment);
    const { output } = await pollToEnd(apiOfB.url, id);
    expect(output.map(({ type }) => type)).toEqual(["reasoning", "function_call"]);
    await expectSame(id);
  });

  test("a provider that lost the response is asked for the rest", async () => {
    const doomed = await startWorker(b.environment);
    const { id } = await create(apiOfB.url, LONG);
    await subscribe(apiOfB.url, id, {
      onEvent: (event) => {
        if (event.type === "response.output_item.done") doomed.kill("SIGKILL");
      },
      signal: AbortSignal.any([onceExited(doomed)]),
    });
    await doomed.exited;
    const [first] = await runsOfA(id);
    await send("DELETE", `${apiOfA.url}/responses/${first}`);
    await using _heir = await startWorker(b.environment);
    const final = await pollToEnd(apiOfB.url, id);
    expect(final.status).toBe("completed");
    expect(final.output.map(({ type }) => type)).toContain("message");
    expect(doneItems(await b.inspector.log(id))[0]).toEqual(final.output[0]);
    expectLegal(await b.inspector.log(id));
    expect((await runsOfA(id)).filter((each) => each !== first)).toHaveLength(1);
  });
});

function onceExited(worker: ServerProcess): AbortSignal {
  const exited = new AbortController();
  void worker.exited.then(() => exited.abort());
  return exited.signal;
}

describe("a broken connection to the provider", () => {
  test("between any two bytes, repeatedly, breaks no item and costs no attempt", async () => {
    await using _worker = await startWorker(b.environment);
    const random = seededRandom(11);
    proxy.cutAfter = () => 1_500 + Math.floor(random() * 6_000);
    proxy.cuts = 0;
    const { id } = await create(apiOfB.url, { ...THINKING, input: "Tell me about cables." });
    const { events } = await subscribe(apiOfB.url, id);
    proxy.cutAfter = undefined;
    expectExact(events, await b.inspector.log(id), 0);
    expect(await expectSame(id)).toEqual([]);
    expect(proxy.cuts).toBeGreaterThan(3);
    expect((await b.inspector.meta(id))["attempts"]).toBe("1");
  });

  test("together with a killed worker, loses nothing", async () => {
    const doomed = await startWorker(b.environment);
    const id = await beginAndReach({ ...THINKING, input: "Tell me about storms." }, 12);
    proxy.cut();
    doomed.kill("SIGKILL");
    await doomed.exited;
    await using _heir = await startWorker(b.environment);
    await pollToEnd(apiOfB.url, id);
    await expectSame(id);
  });
});

describe("cancel", () => {
  test("cancels at the provider", async () => {
    await using _worker = await startWorker(b.environment);
    const id = await beginAndReach(LONG, 40);
    expect((await cancelOnB(id)).body.status).toBe("cancelled");
    expect((await endOfA(id)).status).toBe("cancelled");
    await untilSettled();
  });

  test("before the provider has named its response cancels there too", async () => {
    await using worker = await startWorker(b.environment);
    const ids: string[] = [];
    for (let i = 0; i < 8; i += 1) {
      const { id } = await create(apiOfB.url, { ...LONG, input: `Go ${i}` });
      ids.push(id);
      // The third event reports that the run has begun.
      await subscribe(apiOfB.url, id, { cutAfterEvents: 3 });
      await cancelOnB(id);
    }
    await untilNoneInFlight(a.inspector);
    await untilSettled();
    const runs = (await Promise.all(ids.map(runsOfA))).flat();
    expect(runs.length).toBeGreaterThan(0);
    for (const run of runs) expect((await pollToEnd(apiOfA.url, run)).status).toBe("cancelled");
    expect(worker.child.exitCode).toBeNull();
  });

  test("without a worker cancels at the provider once one starts", async () => {
    const doomed = await startWorker(b.environment);
    const id = await beginAndReach(LONG, 40);
    doomed.kill("SIGKILL");
    await doomed.exited;
    expect((await cancelOnB(id)).body.status).toBe("cancelled");
    await using _heir = await startWorker(b.environment);
    expect((await endOfA(id)).status).toBe("cancelled");
    await untilSettled();
  });

  test("with the provider away cancels there once it is back", async () => {
    await using worker = await startWorker(b.environment);
    const id = await beginAndReach(LONG, 40);
    proxy.isAway = true;
    proxy.cut();
    await cancelOnB(id);
    await worker.line(({ msg }) => msg === "Could not end a remote run at its provider", "a warning");
    proxy.isAway = false;
    expect((await endOfA(id)).status).toBe("cancelled");
    await untilSettled();
  });

  test("by DELETE leaves nothing at the provider", async () => {
    const doomed = await startWorker(b.environment);
    const id = await beginAndReach({ ...LONG, model: "deleted/simulator/default" }, 40);
    const [run] = await runsOfA(id);
    doomed.kill("SIGKILL");
    await doomed.exited;
    await send("DELETE", `${apiOfB.url}/responses/${id}`);
    await using _heir = await startWorker(b.environment);
    await untilSettled();
    expect((await send("GET", `${apiOfA.url}/responses/${run}`)).status).toBe(404);
  });
});

describe("the end of a response", () => {
  test("deletes the provider's copy, unless it is kept", async () => {
    await using _worker = await startWorker(b.environment);
    const { id } = await create(apiOfB.url, { ...THINKING, model: "deleted/simulator/default" });
    expect((await pollToEnd(apiOfB.url, id)).status).toBe("completed");
    await untilSettled();
    expect(await runsOfA(id)).toEqual([]);
  });

  test("by its deadline cancels at the provider", async () => {
    const environment = { ...b.environment, RESPONSE_DEADLINE_SECONDS: "3" };
    await using hasty = await startApi(environment);
    await using _worker = await startWorker(environment);
    const { id } = await create(hasty.url, LONG);
    expect(await pollToEnd(hasty.url, id)).toMatchObject({ status: "failed", error: { code: "server_error" } });
    expect((await endOfA(id)).status).toBe("cancelled");
  });

  test("an unstored response is never a remote run", async () => {
    await using _worker = await startWorker(b.environment);
    const { id } = await create(apiOfB.url, { ...THINKING, store: false });
    expect((await pollToEnd(apiOfB.url, id)).status).toBe("completed");
    expect(await runsOfA(id)).toEqual([]);
  });
});

test("a worker frozen until it lost its lease ends no run of another", async () => {
  const workers = [await startWorker(b.environment), await startWorker(b.environment)] as const;
  await using _first = workers[0];
  await using _second = workers[1];
  const { id } = await create(apiOfB.url, { ...LONG, input: "Tell me about ice." });
  let frozen: ServerProcess | undefined;
  let leaseBefore: string | undefined;
  await subscribe(apiOfB.url, id, {
    onEvent: async (event) => {
      const { lease, worker } = await b.inspector.meta(id);
      if (event.id === 30) {
        frozen = workers.find(({ child }) => worker!.endsWith(`:${child.pid}`))!;
        leaseBefore = lease;
        frozen.kill("SIGSTOP");
      }
      if (frozen !== undefined && lease !== leaseBefore) frozen.kill("SIGCONT");
    },
  });
  await expectSame(id);
  expect((await b.inspector.meta(id))["attempts"]).toBe("2");
});

test("a drain hands over without cancelling", async () => {
  const leaving = await startWorker({ ...b.environment, DRAIN_GRACE_MS: "0" });
  const id = await beginAndReach({ ...THINKING, input: "Tell me about tides." }, 15);
  expect(await leaving.stop()).toBe(0);
  await using _heir = await startWorker(b.environment);
  await pollToEnd(apiOfB.url, id);
  await expectSame(id);
  expect((await b.inspector.meta(id))["attempts"]).toBe("1");
});
