/** What an operator may set: how much a project asks for, and which pages may ask. */
import { expect, test } from "vitest";
import { send, simulate } from "../support/api-client.ts";
import { startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

test("a project that asks too often is told when to come back; another project and polls are not counted", async () => {
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
  const refused = await post(alpha);
  expect(refused).toMatchObject({
    status: 429,
    body: { error: { type: "requests", code: "rate_limit_exceeded", param: null } },
  });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(refused.headers.get("x-ratelimit-remaining-requests")).toBe("0");
  expect((await post({ authorization: "Bearer key-of-beta" })).status).toBe(200);
});

test("pages of the origins that are named may use the API, and others may not", async () => {
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
