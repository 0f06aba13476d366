/**
 * Every status of a response, reached over HTTP, with the fields that only that status has
 * (contract.md#response-object).
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Response, responseSchema, type ResponseStatus } from "../../src/protocol/response.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { subscribe } from "../support/subscriber.ts";

const environment = { KEY_PREFIX: uniquePrefix() };
let api: ApiProcess;
/** No worker serves it. */
let idle: ApiProcess;
let worker: ServerProcess;

beforeAll(async () => {
  [api, idle, worker] = await Promise.all([
    startApi(environment),
    startApi({ KEY_PREFIX: uniquePrefix() }),
    startWorker(environment),
  ]);
});
afterAll(async () => {
  await Promise.all([api, idle, worker].map((process) => process[Symbol.asyncDispose]()));
});

const unfinished = { completed_at: null, error: null, incomplete_details: null, usage: null };
const finished = { ...unfinished, usage: { total_tokens: expect.any(Number) as number } };
const QUICK = { delay_ms: 0 };

interface Reached {
  url: string;
  id: string;
}

async function ended(settings: object, fields: object = {}): Promise<Reached> {
  const { id } = await create(api.url, simulate({ ...QUICK, ...settings }, { ...fields }));
  await pollToEnd(api.url, id);
  return { url: api.url, id };
}

async function startRunning(): Promise<Reached> {
  const { id } = await create(api.url, simulate({ ...QUICK, hang: true }));
  await subscribe(api.url, id, { cutAfterEvents: 6 });
  return { url: api.url, id };
}

const STATUSES: Record<ResponseStatus, { reach: () => Promise<Reached>; shown: object }> = {
  queued: {
    reach: async () => ({ url: idle.url, id: (await create(idle.url, simulate(QUICK))).id }),
    shown: { ...unfinished, output: [] },
  },
  in_progress: { reach: startRunning, shown: { ...unfinished, output: [{ type: "message", status: "in_progress" }] } },
  completed: {
    reach: () => ended({ tokens: 2 }),
    shown: { ...finished, completed_at: expect.any(Number), output: [{ status: "completed" }] },
  },
  incomplete: {
    reach: () => ended({ tokens: 40 }, { max_output_tokens: 16 }),
    shown: { ...finished, incomplete_details: { reason: "max_output_tokens" }, output: [{ status: "incomplete" }] },
  },
  failed: {
    reach: () => ended({ error: "server_error", fail_after: 4 }),
    shown: {
      ...unfinished,
      error: { code: "server_error", type: "server_error", param: null, message: expect.any(String) },
      output: [{ status: "incomplete" }],
    },
  },
  cancelled: {
    reach: async () => {
      const reached = await startRunning();
      await send("POST", `${api.url}/responses/${reached.id}/cancel`);
      return reached;
    },
    shown: { ...unfinished, output: [{ status: "incomplete" }] },
  },
};

test.each(Object.entries(STATUSES))("status %s: is reached, and GET and the stream agree", async (status, row) => {
  const { url, id } = await row.reach();
  const { body } = await send("GET", `${url}/responses/${id}`);
  expect(body).toMatchObject({ status, ...row.shown });
  expect(responseSchema.parse(body)).toEqual(body);
  const isOver = status !== "queued" && status !== "in_progress";
  const { events, isWhole } = await subscribe(url, id, isOver ? {} : { cutAfterEvents: 2 });
  expect(isWhole).toBe(isOver);
  // A response in flight was read at its beginning.
  const last = JSON.parse(events.at(-1)!.data) as { response: Response };
  expect(last.response).toEqual(isOver ? body : { ...body, status: "queued", output: [] });
});
