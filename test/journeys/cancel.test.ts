/**
 * Promise 4 (contract.md#promises): a cancel commits the terminal status atomically, closes the upstream's request and
 * stops its tokens.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isTerminalStatus, type Response } from "../../src/protocol/response.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { pollUntil, untilNoneInFlight } from "../support/poll-until.ts";
import { type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { seededRandom } from "../support/random.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectExact, expectOneTerminal, receive, subscribe } from "../support/subscriber.ts";
import { startEndlessUpstream } from "../support/endless-upstream.ts";
import { openTestServer } from "../support/test-server.ts";

const upstream = await startEndlessUpstream();
afterAll(async () => await upstream[Symbol.asyncDispose]());
const environment = { KEY_PREFIX: uniquePrefix(), OPENAI_BASE_URL: upstream.url };
const { api, inspector } = await openTestServer(environment);

const cancel = async (id: string) => await send("POST", `${api.url}/responses/${id}/cancel`);
const get = async (id: string) => (await send("GET", `${api.url}/responses/${id}`)).body;

async function expectCancelled(id: string): Promise<Response> {
  const log = await inspector.log(id);
  const final = expectOneTerminal(log);
  expect(final).toMatchObject({ status: "cancelled", error: null, completed_at: null });
  expect(await get(id)).toEqual(final);
  expect(await inspector.inFlight()).not.toContain(id);
  return final;
}

describe("without a worker", () => {
  test("a queued response is cancelled, idempotently, and its streams end", async () => {
    const { id } = await create(api.url, simulate({ tokens: 50 }));
    const stream = subscribe(api.url, id);
    const first = await cancel(id);
    expect(first).toMatchObject({ status: 200, body: { id, status: "cancelled", output: [] } });
    expect((await cancel(id)).body).toEqual(first.body);
    const { events, isWhole } = await stream;
    expect(isWhole).toBe(true);
    expectExact(events, await inspector.log(id), 0);
    expect(events.at(-1)!.type).toBe("response.failed");
    await expectCancelled(id);
  });

  test("a worker that starts later finds nothing to do", async () => {
    const { id } = await create(api.url, simulate({ tokens: 5, delay_ms: 0 }));
    await cancel(id);
    await using worker = await startWorker(environment);
    const other = await create(api.url, simulate({ tokens: 5, delay_ms: 0 }));
    await pollToEnd(api.url, other.id);
    await expectCancelled(id);
    expect(worker.child.exitCode).toBeNull();
  });
});

describe("with a worker", () => {
  let worker: ServerProcess;
  beforeAll(async () => {
    worker = await startWorker(environment);
  });
  afterAll(() => worker[Symbol.asyncDispose]());

  test("a running response keeps its content, its open item incomplete, and nothing more", async () => {
    const { id } = await create(api.url, simulate({ tokens: 10_000, delay_ms: 10 }));
    await subscribe(api.url, id, { cutAfterEvents: 20 });
    const { status, body } = await cancel(id);
    expect(status).toBe(200);
    expect(body.output).toMatchObject([{ type: "message", status: "incomplete" }]);
    expect(await get(id)).toEqual(body);
    const log = await inspector.log(id);
    const other = await create(api.url, simulate({ tokens: 30, delay_ms: 5 }));
    await pollToEnd(api.url, other.id);
    expect(await inspector.log(id)).toEqual(log);
    await expectCancelled(id);
  });

  test("the upstream's HTTP request is closed", async () => {
    const { id } = await create(api.url, { model: "openai/endless", input: "Go on for ever.", background: true });
    const request = await upstream.nextRequest();
    await subscribe(api.url, id, { cutAfterEvents: 8 });
    await cancel(id);
    await request.closed;
    await expectCancelled(id);
  });

  test("a worker that missed the notification stops when its lease is fenced", async () => {
    const { id } = await create(api.url, { model: "openai/silent", input: "Think for ever.", background: true });
    const request = await upstream.nextRequest();
    // Its item is not shown before its first text.
    await subscribe(api.url, id, { cutAfterEvents: 3 });
    // Like a cancel whose notification is lost: the response is fenced, and its worker is not notified.
    await inspector.redis.hset(inspector.layout.meta(id), "lease", "0-taken");
    await request.closed;
    expect((await cancel(id)).body.status).toBe("cancelled");
    await expectCancelled(id);
  });

  test("a foreground client that leaves cancels its run, a background client does not", async () => {
    const leave = async (background: boolean): Promise<string> => {
      const cut = new AbortController();
      const body = { ...simulate({ tokens: 120, delay_ms: 10 }), background, stream: true };
      const response = await fetch(`${api.url}/responses`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: cut.signal,
      });
      let text = "";
      const decoder = new TextDecoder();
      for await (const chunk of response.body!) {
        text += decoder.decode(chunk);
        if (text.includes("output_text.delta")) break;
      }
      cut.abort();
      return /"id":"(resp_\w+)"/.exec(text)![1]!;
    };
    const [foreground, background] = await Promise.all([leave(false), leave(true)]);
    expect((await pollToEnd(api.url, foreground)).status).toBe("cancelled");
    expect((await pollToEnd(api.url, background)).status).toBe("completed");
  });

  test("a foreground client gets its interrupted run by its Idempotency-Key", async () => {
    const headers = { "content-type": "application/json", "idempotency-key": "cut-off" };
    const body = JSON.stringify({ ...simulate({ tokens: 100, delay_ms: 10 }), background: false });
    const cut = new AbortController();
    // An earlier response may have ended for its client before its worker leaves it.
    await untilNoneInFlight(inspector);
    const first = fetch(`${api.url}/responses`, { method: "POST", headers, body, signal: cut.signal });
    const ids = await pollUntil(
      async () => await inspector.inFlight(),
      ({ length }) => length > 0,
    );
    await subscribe(api.url, ids[0]!, { cutAfterEvents: 10 });
    cut.abort();
    await expect(first).rejects.toThrow("aborted");
    const again = await send("POST", `${api.url}/responses`, body, headers);
    expect(again.body).toMatchObject({ id: ids[0], status: "completed" });
    expect(again.headers.get("idempotent-replayed")).toBe("true");
  });

  test("an API process that stops lets a foreground stream end within its grace", async () => {
    const leaving = await startApi(environment);
    const body = JSON.stringify({
      ...simulate({ tokens: 120, delay_ms: 10 }),
      background: false,
      stream: true,
      store: false,
    });
    const cut = new AbortController();
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${leaving.url}/responses`, { method: "POST", headers, body, signal: cut.signal });
    const onEvent = (event: { id: number }): void => {
      if (event.id === 20) leaving.kill("SIGTERM");
    };
    const { events, isWhole } = await receive(response, cut, { onEvent });
    expect(isWhole).toBe(true);
    expect(events.at(-1)!.type).toBe("response.completed");
    expect(await leaving.exited).toBe(0);
  });

  test("a killed API process's foreground run finishes if stored, or else is cancelled", async () => {
    const leaving = await startApi({ ...environment, DRAIN_GRACE_MS: "100" });
    const begin = async (store: boolean): Promise<string> => {
      const fields = { background: false, stream: true, store };
      const response = await fetch(`${leaving.url}/responses`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(simulate({ tokens: 300, delay_ms: 10 }, fields)),
      });
      const { events } = await receive(response, new AbortController(), {
        onEvent: (event) => void (event.id === 10 && begun.get(store)!.resolve()),
      });
      return (JSON.parse(events[0]!.data) as { response: Response }).response.id;
    };
    const begun = new Map([true, false].map((store) => [store, Promise.withResolvers<void>()]));
    const streams = [begin(true), begin(false)];
    await Promise.all([...begun.values()].map(({ promise }) => promise));
    leaving.kill("SIGTERM");
    const [kept, dropped] = await Promise.all(streams);
    expect((await pollToEnd(api.url, kept!)).status).toBe("completed");
    const { status } = await pollUntil(
      async () => await inspector.meta(dropped!),
      (meta) => meta["status"] !== "in_progress",
    );
    expect(status).toBe("cancelled");
    expect(await leaving.exited).toBe(0);
  });

  test("200 cancels against completion: one terminal event, and GET equals the stream", async () => {
    const outcomes = { cancelled: 0, completed: 0 };
    const random = seededRandom(4);
    const race = async (): Promise<void> => {
      const { id } = await create(api.url, simulate({ tokens: 3, delay_ms: 2 }));
      const stream = subscribe(api.url, id);
      const after = Math.floor(random() * 9);
      if (after > 0) await subscribe(api.url, id, { cutAfterEvents: after });
      const answer = await cancel(id);
      const { events } = await stream;
      const log = await inspector.log(id);
      expectExact(events, log, 0);
      const final = expectOneTerminal(log);
      expect(isTerminalStatus(final.status)).toBe(true);
      expect(answer.status).toBe(final.status === "cancelled" ? 200 : 400);
      expect(await get(id)).toEqual(final);
      expect((await inspector.meta(id))["status"]).toBe(final.status);
      outcomes[final.status as "cancelled" | "completed"] += 1;
    };
    for (let round = 0; round < 20; round += 1) await Promise.all(Array.from({ length: 10 }, race));
    expect(outcomes.cancelled + outcomes.completed).toBe(200);
    expect(outcomes.cancelled).toBeGreaterThan(0);
    expect(outcomes.completed).toBeGreaterThan(0);
  });

  test.each([
    ["completed", { tokens: 2, delay_ms: 0 }, {}, "Cannot cancel a completed response."],
    ["failed", { error: "server_error" }, {}, "Cannot cancel a failed response."],
    ["incomplete", { tokens: 90, delay_ms: 0 }, { max_output_tokens: 16 }, "Cannot cancel an incomplete response."],
  ])("a response that is %s cannot be cancelled", async (status, settings, fields, message) => {
    const { id } = await create(api.url, simulate(settings, fields));
    expect((await pollToEnd(api.url, id)).status).toBe(status);
    const answer = await send<object>("POST", `${api.url}/responses/${id}/cancel`);
    expect(answer).toMatchObject({ status: 400, body: { error: { message, type: "invalid_request_error" } } });
  });

  test("a synchronous response cannot be cancelled by id", async () => {
    const { id } = await create(api.url, simulate({ tokens: 2, delay_ms: 0 }, { background: false }));
    const answer = await send<object>("POST", `${api.url}/responses/${id}/cancel`);
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { message: "Cannot cancel a synchronous response." } },
    });
  });

  test("deleting a running response cancels it: its streams end, then it is deleted", async () => {
    const { id } = await create(api.url, simulate({ tokens: 10_000, delay_ms: 10 }));
    const stream = subscribe(api.url, id);
    await subscribe(api.url, id, { cutAfterEvents: 12 });
    const deleted = await send<object>("DELETE", `${api.url}/responses/${id}`);
    expect(deleted).toMatchObject({ status: 200, body: { id, object: "response", deleted: true } });
    const { events, isWhole } = await stream;
    expect(isWhole).toBe(true);
    expect(events.at(-1)).toMatchObject({ type: "response.failed" });
    expect((await send("GET", `${api.url}/responses/${id}`)).status).toBe(404);
    expect((await send("GET", `${api.url}/responses/${id}?stream=true`)).status).toBe(404);
  });

  test("a deleted response leaves no keys", async () => {
    const { id } = await create(api.url, simulate({ tokens: 3, delay_ms: 0 }));
    await pollToEnd(api.url, id);
    await send("DELETE", `${api.url}/responses/${id}`);
    expect(await inspector.redis.keys(`*${id}*`)).toEqual([]);
    expect((await send("DELETE", `${api.url}/responses/${id}`)).status).toBe(404);
  });
});
