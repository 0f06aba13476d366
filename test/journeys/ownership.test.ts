/** Promise 6 (contract.md#promises): another project's id is an unknown id, for every method and every resume. */
import { beforeAll, expect, test } from "vitest";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";

const environment = {
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: "alpha:key-of-alpha,beta:key-of-beta,alpha:second-key-of-alpha",
};
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const ALPHA = bearer("key-of-alpha");
const BETA = bearer("key-of-beta");
const { api, worker } = await openTestServerWithWorker(environment);
let id: string;
let runningId: string;

beforeAll(async () => {
  ({ id } = await create(api.url, simulate({ tokens: 3, delay_ms: 0 }), ALPHA));
  await pollToEnd(api.url, id, ALPHA);
  ({ id: runningId } = await create(api.url, simulate({ hang: true }), ALPHA));
});

const VERBS: [string, (id: string) => [method: string, path: string]][] = [
  ["retrieve", (each) => ["GET", `/responses/${each}`]],
  ["stream", (each) => ["GET", `/responses/${each}?stream=true`]],
  ["resume", (each) => ["GET", `/responses/${each}?stream=true&starting_after=1`]],
  ["resume beyond the end", (each) => ["GET", `/responses/${each}?stream=true&starting_after=99999`]],
  ["cancel", (each) => ["POST", `/responses/${each}/cancel`]],
  ["delete", (each) => ["DELETE", `/responses/${each}`]],
  ["input items", (each) => ["GET", `/responses/${each}/input_items`]],
  ["run", (each) => ["GET", `/responses/${each}/run`]],
  ["event times", (each) => ["GET", `/responses/${each}/event_times`]],
];

test.each(VERBS)("%s: exactly as for an unknown id", async (_name, request) => {
  const unknownId = id.replace(/.{4}$/, "0000");
  for (const theirs of [id, runningId]) {
    const [method, path] = request(theirs);
    const foreign = await send<object>(method, `${api.url}${path}`, undefined, BETA);
    const unknown = await send<object>(
      ...(([m, p]) => [m, `${api.url}${p}`, undefined, BETA] as const)(request(unknownId)),
    );
    expect(foreign.status).toBe(404);
    expect(JSON.stringify(foreign.body).replaceAll(theirs, unknownId)).toBe(JSON.stringify(unknown.body));
  }
  expect((await send("GET", `${api.url}/responses/${runningId}`, undefined, ALPHA)).body.status).toBe("in_progress");
});

test("previous_response_id of another project is not found", async () => {
  const answer = await send<object>("POST", `${api.url}/responses`, simulate({}, { previous_response_id: id }), BETA);
  expect(answer).toMatchObject({ status: 400, body: { error: { code: "previous_response_not_found" } } });
});

test("an item of another project is not found", async () => {
  const { output } = (await send("GET", `${api.url}/responses/${id}`, undefined, ALPHA)).body;
  const input = [{ type: "item_reference", id: output[0]!.id }];
  const answer = await send<object>("POST", `${api.url}/responses`, simulate({}, { input }), BETA);
  expect(answer).toMatchObject({ status: 404, body: { error: { param: "input" } } });
});

test("the same Idempotency-Key in two projects is two keys", async () => {
  const headers = { "idempotency-key": "shared" };
  const first = await create(api.url, simulate({ tokens: 1 }), { ...ALPHA, ...headers });
  const second = await create(api.url, simulate({ tokens: 1 }), { ...BETA, ...headers });
  expect(first.id).not.toBe(second.id);
});

test("two keys of one project are one project", async () => {
  expect((await send("GET", `${api.url}/responses/${id}`, undefined, bearer("second-key-of-alpha"))).status).toBe(200);
});

test.each([
  ["no key", {}, "You didn't provide an API key."],
  ["a wrong key", bearer("sk-nobody-has-this-key"), "Incorrect API key provided: sk-***ey."],
  ["another scheme", { authorization: "Basic a2V5" }, "You didn't provide an API key."],
])("%s gets 401", async (_name, headers, message) => {
  const answer = await send<object>("GET", `${api.url}/models`, undefined, headers);
  expect(answer).toMatchObject({
    status: 401,
    body: {
      error: {
        message: expect.stringContaining(message),
        type: "invalid_request_error",
        code: "invalid_api_key",
        param: null,
      },
    },
  });
});

test("keys appear in no log line", () => {
  const text = JSON.stringify([...api.lines, ...worker.lines]);
  for (const key of ["key-of-alpha", "key-of-beta", "sk-nobody-has-this-key"]) expect(text).not.toContain(key);
});
