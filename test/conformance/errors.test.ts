/** Every row of the contract's error table over HTTP: the exact status, envelope and headers. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { CHOICES, REJECTIONS } from "./errors/rows.ts";
import { ErrorServer } from "./errors/server.ts";

let server: ErrorServer;
beforeAll(async () => {
  server = await ErrorServer.start();
});
afterAll(async () => await server[Symbol.asyncDispose]());

test.each(Object.entries(REJECTIONS))("error %s: is rejected as the contract says", async (_row, rejection) => {
  const { status = 400, type = "invalid_request_error", param = null, code = null, message, headers = {} } = rejection;
  const answer = await rejection.ask(server);
  expect(answer.body).toEqual({ error: { message: matching(message), type, param, code } });
  expect(answer.status).toBe(status);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-type": "application/json; charset=utf-8",
    "x-request-id": expect.stringMatching(/^req_[0-9a-f]{32}$/),
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, matching(value)])),
  });
});

test.each(Object.entries(CHOICES))("error %s: is accepted here", async (_row, { ask, status, body }) => {
  const answer = await ask(server);
  expect(answer.body).toMatchObject(body);
  expect(answer.status).toBe(status);
});

const matching = (value: string | RegExp): unknown =>
  typeof value === "string" ? value : expect.stringMatching(value);
