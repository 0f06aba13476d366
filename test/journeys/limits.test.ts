/** Limits of an operator: the requests of a project, and the pages that may use the API. */
import { expect, test } from "vitest";
import { type Answer, RedisInspector, send, simulate } from "../support/api-client.ts";
import { startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

test("a rate-limited project gets Retry-After; other projects and polls are not counted", async () => {
  const environment = {
    KEY_PREFIX: uniquePrefix(),
    API_KEYS: "alpha:key-of-alpha,beta:key-of-beta",
    RATE_LIMIT_REQUESTS_PER_MINUTE: "2",
  };
  await using api = await startApi(environment);
  const alpha = { authorization: "Bearer key-of-alpha" };
  const post = async (headers: Record<string, string>) =>
    await send("POST", `${api.url}/responses`, simulate({ tokens: 1 }), headers);
  const first = await post(alpha);
  expect(first.status).toBe(200);
  expect(first.headers.get("x-ratelimit-limit-requests")).toBe("2");
  expect(first.headers.get("x-ratelimit-remaining-requests")).toBe("1");
  expect(first.headers.get("x-ratelimit-reset-requests")).toMatch(/^\d+s$/);
  for (let i = 0; i < 3; i += 1) await send("GET", `${api.url}/responses/${first.body.id}`, undefined, alpha);
  expect((await post(alpha)).status).toBe(200);
  const rejected = await post(alpha);
  expect(rejected).toMatchObject({
    status: 429,
    body: { error: { type: "requests", code: "rate_limit_exceeded", param: null } },
  });
  expect(Number(rejected.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(rejected.headers.get("x-ratelimit-remaining-requests")).toBe("0");
  expect((await post({ authorization: "Bearer key-of-beta" })).status).toBe(200);
});

test("only new responses count toward the rate, not replays or errors", async () => {
  await using api = await startApi({ KEY_PREFIX: uniquePrefix(), RATE_LIMIT_REQUESTS_PER_MINUTE: "3" });
  const post = async (fields: object, headers: Record<string, string> = {}) =>
    await send<{ id: string }>("POST", `${api.url}/responses`, { ...simulate({ hang: true }), ...fields }, headers);
  const key = { "idempotency-key": "again" };
  const { body: conversation } = await send<{ id: string }>("POST", `${api.url}/conversations`, {});
  const rejected = [
    { input: 7 },
    { model: "nobody/x" },
    { previous_response_id: "resp_x" },
    { conversation: conversation.id },
    { unheard_of: true },
  ];
  const left = (answer: Answer<unknown>) => answer.headers.get("x-ratelimit-remaining-requests");
  expect(left(await post({ input: 7 })), "before the first").toBe("3");
  const first = await post({ conversation: conversation.id }, key);
  expect(left(first)).toBe("2");
  for (const fields of rejected) {
    const answer = await post(fields);
    expect({ fields, isRefused: answer.status !== 200, left: left(answer) }).toEqual({
      fields,
      isRefused: true,
      left: "2",
    });
  }
  const replay = await post({ conversation: conversation.id }, key);
  expect([replay.body.id, left(replay)]).toEqual([first.body.id, "2"]);
  expect(left(await post({ input: "Other" }, key)), "the key with another body").toBe("2");
  expect(left(await post({}))).toBe("1");
  expect(left(await post({}))).toBe("0");
  expect((await post({})).status).toBe(429);
  expect((await post({ conversation: conversation.id }, key)).body.id, "a replay is free").toBe(first.body.id);
});

test("a full project's rejected requests do not count toward the rate", async () => {
  const limits = { RATE_LIMIT_REQUESTS_PER_MINUTE: "5", RATE_LIMIT_OPEN_RESPONSES_PER_PROJECT: "1" };
  await using api = await startApi({ KEY_PREFIX: uniquePrefix(), ...limits });
  const post = async () => await send("POST", `${api.url}/responses`, simulate({ hang: true }));
  expect((await post()).status).toBe(200);
  const full = await post();
  expect([full.status, full.headers.get("x-ratelimit-remaining-requests")]).toEqual([429, "4"]);
});

test("only pages of the configured origins may use the API", async () => {
  await using api = await startApi({
    KEY_PREFIX: uniquePrefix(),
    CORS_ORIGINS: "https://app.example, https://lab.example",
  });
  const ask = async (origin: string, method: string) =>
    await fetch(`${api.url}/models`, { method, headers: { origin, "access-control-request-method": "GET" } });
  const preflight = await ask("https://app.example", "OPTIONS");
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("access-control-allow-origin")).toBe("https://app.example");
  const allowed = await ask("https://lab.example", "GET");
  expect(allowed.status).toBe(200);
  expect(allowed.headers.get("access-control-expose-headers")).toContain("x-request-id");
  const foreign = await ask("https://evil.example", "GET");
  expect(foreign.status).toBe(403);
  expect(foreign.headers.get("access-control-allow-origin")).toBeNull();
});

test("a project's streams are limited, every end frees one, and a rejected POST creates nothing", async () => {
  const prefix = uniquePrefix();
  const keys = "alpha:key-of-alpha-000001,beta:key-of-beta-0000001";
  await using api = await startApi({ KEY_PREFIX: prefix, API_KEYS: keys, MAX_STREAMS_PER_PROJECT: "2" });
  using inspector = new RedisInspector(prefix);
  const alpha = { authorization: "Bearer key-of-alpha-000001", "content-type": "application/json" };
  const beta = { ...alpha, authorization: "Bearer key-of-beta-0000001" };
  const url = `${api.url}/responses`;
  const { id } = (await send("POST", url, simulate({ hang: true }), alpha)).body;
  const get = async (signal: AbortSignal | null = null, headers = alpha, method = "GET") =>
    await fetch(`${url}/${id}?stream=true`, { method, headers, signal });
  const post = async (headers: Record<string, string>) => {
    const body = JSON.stringify(simulate({ hang: true }, { stream: true }));
    return await fetch(url, { method: "POST", headers, body });
  };
  const expectRejected = async (answer: Response) => {
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "5"]);
    expect(await answer.json()).toMatchObject({ error: { type: "requests", code: "rate_limit_exceeded" } });
  };
  // Without a worker no response ends by itself.
  const leaving = new AbortController();
  expect((await get(leaving.signal)).status).toBe(200);
  const second = await post(alpha);
  expect(second.status).toBe(200);
  const open = await inspector.inFlight();
  await expectRejected(await get());
  await expectRejected(await post(alpha));
  expect(await inspector.inFlight(), "nothing was made").toEqual(open);
  expect((await send("GET", `${url}/${id}`, undefined, alpha)).status, "a request without a stream").toBe(200);
  expect((await get(null, alpha, "HEAD")).status, "nor this").toBe(200);
  const other = await post(beta);
  expect(other.status).toBe(200);
  await other.body!.cancel();
  // A client that vanishes.
  leaving.abort();
  const third = new AbortController();
  await expect.poll(async () => (await get(third.signal)).status, { timeout: 20_000 }).toBe(200);
  await expectRejected(await get());
  // A response that ends, whose stream is read to its end.
  await send("POST", `${url}/${open.find((each) => each !== id)}/cancel`, undefined, alpha);
  await second.text();
  await expect.poll(async () => (await get(third.signal)).status, { timeout: 20_000 }).toBe(200);
  await expectRejected(await get());
  third.abort();
  // A request rejected for another reason holds no stream.
  const odd = async () => await send("POST", url, { ...simulate({}), stream: true, model: "nobody/x" }, alpha);
  await expect.poll(async () => (await get(null, alpha)).status, { timeout: 20_000 }).toBe(200);
  for (let i = 0; i < 5; i += 1) expect((await odd()).status).not.toBe(429);
});
