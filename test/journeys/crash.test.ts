/**
 * Promise 5 (contract.md#promises): `kill -9` loses no recorded event, repeats no completed item, and the stream
 * resumes within seconds.
 */
import { describe, expect, test } from "vitest";
import type { OutputItem } from "../../src/protocol/item.ts";
import { isTerminalEventType } from "../../src/protocol/event.ts";
import { create, pollToEnd, simulate } from "../support/api-client.ts";
import { expectSafe } from "../support/expect-safe.ts";
import { pollUntil, untilNoneInFlight } from "../support/poll-until.ts";
import { type ServerProcess, startWorker } from "../support/processes.ts";
import { seededRandom } from "../support/random.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectExact, expectOneTerminal, type ReceivedEvent, subscribe } from "../support/subscriber.ts";
import { openTestServer } from "../support/test-server.ts";

const RECOVERY_LIMIT_MS = 8_000;

const prefix = uniquePrefix();
const environment = { KEY_PREFIX: prefix };
const { api, inspector } = await openTestServer(environment);

/** Calls back at the first event after `position`, at the latest at the terminal one. */
function notify(position: number, callback: () => void) {
  let isDone = false;
  return ({ id, type }: ReceivedEvent): void => {
    if (isDone || (id < position && !isTerminalEventType(type))) return;
    isDone = true;
    callback();
  };
}

const itemsDone = (log: readonly string[]): OutputItem[] =>
  log
    .map((data) => JSON.parse(data) as { type: string; item: OutputItem })
    .filter((event) => event.type === "response.output_item.done")
    .map((event) => event.item);

describe("SIGKILL of the worker", () => {
  const SEEDS = 50;
  /** Short locks make fifty recoveries take two minutes; the configured recovery time is tested below. */
  const impatient = {
    ...environment,
    LOCK_DURATION_MS: "1000",
    STALLED_INTERVAL_MS: "400",
    MAX_ATTEMPTS: "20",
    ISOLATE_AFTER_LOSSES: "1000",
  };

  test(
    `at ${SEEDS} random points: every stream is complete, exact and ends completed`,
    { timeout: 400_000 },
    async () => {
      const random = seededRandom(50);
      let worker = await startWorker(impatient);
      for (let seed = 0; seed < SEEDS; seed += 1) {
        const doomed = worker;
        const position = 3 + Math.floor(random() * 60);
        const { id } = await create(api.url, simulate({ tokens: 40, reasoning: 15, delay_ms: 3 + (seed % 5), seed }));
        const running = subscribe(api.url, id, { onEvent: notify(position, () => doomed.kill("SIGKILL")) });
        await doomed.exited;
        // It finishes this run, and is killed in the next.
        worker = await startWorker(impatient);
        const stream = await running;
        const log = await inspector.log(id);
        expect(stream.isWhole).toBe(true);
        expectExact(stream.events, log, 0);
        expect(expectOneTerminal(log).status).toBe("completed");
        expectNothingRepeated(log);
        expectSafe(stream.events);
      }
      // If a worker crashes between the terminal event and its last step, the next worker's sweep does that step.
      await untilNoneInFlight(inspector);
      await worker[Symbol.asyncDispose]();
    },
  );

  /** Each completed item exists once, and the final output has the completed items in order. */
  function expectNothingRepeated(log: readonly string[]): void {
    const completed = itemsDone(log).filter((item) => item.status !== "incomplete");
    expect(completed.map((item) => item.type)).toEqual(["reasoning", "message"]);
    expect(expectOneTerminal(log).output).toEqual(completed);
    const ids = itemsDone(log).map((item) => item.id);
    expect(new Set(ids).size).toBe(ids.length);
  }

  test(`the stream resumes on another worker in less than ${RECOVERY_LIMIT_MS} ms`, async () => {
    const [doomed, heir] = await Promise.all([startWorker(environment), startWorker(environment)]);
    await using _doomed = doomed;
    await using _heir = heir;
    let killedAtMs = 0;
    let wentOnAtMs = 0;
    let lastBefore = Number.POSITIVE_INFINITY;
    const { id } = await create(api.url, simulate({ tokens: 400, delay_ms: 20 }));
    await subscribe(api.url, id, {
      onEvent: async (event) => {
        if (event.id === 40) {
          const holder = await holderOf(id, [doomed, heir]);
          holder.kill("SIGKILL");
          await holder.exited;
          killedAtMs = Date.now();
          lastBefore = Number((await inspector.meta(id))["last"]);
        }
        if (event.id > lastBefore && wentOnAtMs === 0) wentOnAtMs = Date.now();
      },
    });
    expect(killedAtMs).toBeGreaterThan(0);
    expect(wentOnAtMs - killedAtMs).toBeLessThan(RECOVERY_LIMIT_MS);
    expectOneTerminal(await inspector.log(id));
  });

  test("a completed function call is kept and ends the response", async () => {
    const doomed = await startWorker(environment);
    const tool = {
      type: "function",
      name: "look_up",
      parameters: { type: "object", properties: { q: { type: "string" } }, required: ["q"] },
    };
    const { id } = await create(api.url, simulate({ calls: 2, delay_ms: 60 }, { tools: [tool] }));
    const stream = subscribe(api.url, id, {
      onEvent: (event) => {
        if (event.type === "response.output_item.done") doomed.kill("SIGKILL");
      },
    });
    await doomed.exited;
    await using _heir = await startWorker(environment);
    const { events } = await stream;
    const log = await inspector.log(id);
    expectExact(events, log, 0);
    const final = expectOneTerminal(log);
    expect(final.status).toBe("completed");
    const calls = itemsDone(log).filter((item) => item.status === "completed");
    expect(final.output).toEqual(calls);
    expect(new Set(calls.map((call) => call.type === "function_call" && call.call_id)).size).toBe(calls.length);
    expectSafe(events);
  });
});

/** The worker that holds the response's lease. */
async function holderOf(id: string, workers: readonly ServerProcess[]): Promise<ServerProcess> {
  const name = (await inspector.meta(id))["worker"]!;
  return workers.find((worker) => name.endsWith(`:${worker.child.pid}`))!;
}

describe("SIGSTOP of the worker until its lease is lost, then SIGCONT", () => {
  test("the zombie writes nothing, and the response ends once", async () => {
    const workers = [await startWorker(environment), await startWorker(environment)] as const;
    await using zombie = workers[0];
    await using _other = workers[1];
    const { id } = await create(api.url, simulate({ tokens: 300, delay_ms: 30 }));
    let frozen: ServerProcess | undefined;
    let leaseBefore: string | undefined;
    const { events } = await subscribe(api.url, id, {
      onEvent: async (event) => {
        const { lease } = await inspector.meta(id);
        if (event.id === 30) {
          frozen = await holderOf(id, workers);
          leaseBefore = lease;
          frozen.kill("SIGSTOP");
        }
        if (frozen !== undefined && lease !== leaseBefore) frozen.kill("SIGCONT");
      },
    });
    const log = await inspector.log(id);
    expectExact(events, log, 0);
    expect(expectOneTerminal(log).status).toBe("completed");
    expect((await inspector.meta(id))["attempts"]).toBe("2");
    expect(zombie.child.exitCode).toBeNull();
    // The former zombie works again: it takes jobs.
    const next = await create(api.url, simulate({ tokens: 5, delay_ms: 0 }));
    expect((await pollToEnd(api.url, next.id)).status).toBe("completed");
    expect(await inspector.log(id)).toEqual(log);
  });

  test("a lone worker takes back its own job and keeps it", async () => {
    await using worker = await startWorker(environment);
    const { id } = await create(api.url, simulate({ tokens: 450, delay_ms: 30 }));
    const { events } = await subscribe(api.url, id, {
      onEvent: async (event) => {
        if (event.id !== 20) return;
        worker.kill("SIGSTOP");
        const lock = `{${prefix}:queue}:background:${id}:lock`;
        await pollUntil(
          async () => await inspector.redis.exists(lock),
          (count) => count === 0,
        );
        worker.kill("SIGCONT");
      },
    });
    expectExact(events, await inspector.log(id), 0);
    expect(expectOneTerminal(await inspector.log(id)).status).toBe("completed");
    expect((await inspector.meta(id))["attempts"]).toBe("2");
  });
});
