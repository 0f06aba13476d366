/** The limit on one project's responses in flight is exact, however they end. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Response } from "../../src/protocol/response.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { create, pollToEnd, RedisInspector, send, simulate } from "../support/api-client.ts";
import { pollUntil } from "../support/poll-until.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { subscribe } from "../support/subscriber.ts";

expectDescribed();

const BOUND = 2;
const PROJECTS = ["together", "other", "completed", "failed", "cancelled", "deleted", "deadline", "killed", "replayed"];
const prefix = uniquePrefix();
const environment = {
  KEY_PREFIX: prefix,
  API_KEYS: PROJECTS.map((project) => `${project}:key-of-${project}`).join(","),
  RATE_LIMIT_OPEN_RESPONSES_PER_PROJECT: String(BOUND),
};
let inspector: RedisInspector;
let apis: ApiProcess[];
let worker: ServerProcess;

beforeAll(async () => {
  inspector = new RedisInspector(prefix);
  apis = await Promise.all([startApi(environment), startApi(environment)]);
  worker = await startWorker(environment);
});
afterAll(async () => {
  await Promise.all([worker, ...apis].map((each) => each[Symbol.asyncDispose]()));
  inspector[Symbol.dispose]();
});

const keyOf = (project: string) => ({ authorization: `Bearer key-of-${project}` });
const HANGING = simulate({ hang: true });

const post = async (project: string, body: object = HANGING, api = apis[0]!) =>
  await send("POST", `${api.url}/responses`, body, keyOf(project));

async function cancel(project: string, id: string): Promise<void> {
  await send("POST", `${apis[0]!.url}/responses/${id}/cancel`, undefined, keyOf(project));
}

test("concurrent requests on two API processes fill the limit exactly, and the rest leave nothing", async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => post("together", HANGING, apis[i % 2])));
  const accepted = answers.filter(({ status }) => status === 200);
  const rejected = answers.filter(({ status }) => status === 429);
  expect([accepted.length, rejected.length]).toEqual([BOUND, 40 - BOUND]);
  expect(rejected[0]!.body).toEqual({
    error: {
      message: "Rate limit reached: 2 responses that are queued or in progress. Please retry in 5 s.",
      type: "requests",
      param: null,
      code: "rate_limit_exceeded",
    },
  });
  expect(rejected[0]!.headers.get("retry-after")).toBe("5");
  expect((await inspector.inFlight()).toSorted()).toEqual(accepted.map(({ body }) => body.id).toSorted());
  expect(await inspector.redis.keys(`${prefix}:{*}:meta`)).toHaveLength(BOUND);
  expect((await post("other")).status).toBe(200);
  for (const { body } of accepted) await cancel("together", body.id);
});

/** Ends a response of the project, and resolves once a client can know it. */
const ENDS: Record<string, (project: string) => Promise<void>> = {
  completed: async (project) => {
    const { id } = (await post(project, simulate({ tokens: 1, delay_ms: 0 }))).body;
    expect((await pollToEnd(apis[1]!.url, id, keyOf(project))).status).toBe("completed");
  },
  failed: async (project) => {
    const { id } = (await post(project, simulate({ fail_after: 1, delay_ms: 0 }))).body;
    expect((await pollToEnd(apis[1]!.url, id, keyOf(project))).status).toBe("failed");
  },
  cancelled: async (project) => await cancel(project, (await post(project)).body.id),
  deleted: async (project) => {
    const { id } = (await post(project)).body;
    await send("DELETE", `${apis[0]!.url}/responses/${id}`, undefined, keyOf(project));
  },
  deadline: async (project) => {
    await using impatient = await startApi({ ...environment, RESPONSE_DEADLINE_SECONDS: "1" });
    const { id } = (await post(project, HANGING, impatient)).body;
    expect((await pollToEnd(apis[0]!.url, id, keyOf(project))).status).toBe("failed");
  },
};

test.each(Object.keys(ENDS))("a response stops counting once clients see its end: %s", async (project) => {
  const held = await create(apis[0]!.url, HANGING, keyOf(project));
  for (let round = 0; round < 3; round += 1) {
    await ENDS[project]!(project);
    if (project === "deadline") break;
  }
  const last = await post(project);
  expect([last.status, (await post(project)).status]).toEqual([200, 429]);
  await Promise.all([held.id, last.body.id].map((id) => cancel(project, id)));
});

test("a killed worker's responses count until they have ended", async () => {
  const settings = simulate({ tokens: 60, delay_ms: 10 });
  const [first, second] = [(await post("killed", settings)).body, (await post("killed", settings)).body];
  await subscribe(apis[0]!.url, first.id, { cutAfterEvents: 8, headers: keyOf("killed") });
  worker.kill("SIGKILL");
  await worker.exited;
  expect((await post("killed")).status).toBe(429);
  worker = await startWorker(environment);
  for (const { id } of [first, second]) {
    expect((await pollToEnd(apis[0]!.url, id, keyOf("killed"))).status).toBe("completed");
  }
  const answers = [await post("killed"), await post("killed"), await post("killed")];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
  await Promise.all(answers.slice(0, 2).map(({ body }: { body: Response }) => cancel("killed", body.id)));
});

test("a request with an Idempotency-Key counts once, and a rejected one may be repeated", async () => {
  const headers = { ...keyOf("replayed"), "idempotency-key": "once" };
  const first = await send("POST", `${apis[0]!.url}/responses`, HANGING, headers);
  const again = await send("POST", `${apis[1]!.url}/responses`, HANGING, headers);
  expect([again.status, again.body.id]).toEqual([200, first.body.id]);
  const second = (await post("replayed")).body;
  const other = { ...keyOf("replayed"), "idempotency-key": "twice" };
  const rejected = await send("POST", `${apis[0]!.url}/responses`, HANGING, other);
  await cancel("replayed", second.id);
  const accepted = await send("POST", `${apis[0]!.url}/responses`, HANGING, other);
  expect([rejected.status, accepted.status]).toEqual([429, 200]);
  await Promise.all([first.body.id, accepted.body.id].map((id) => cancel("replayed", id)));
});

test("the sweeper removes entries that a crash left behind", async () => {
  const { layout, redis } = inspector;
  await redis.zadd(layout.inFlightOf("gone"), 1, "resp_of_a_process_that_died");
  await redis.sadd(layout.inFlightProjects, "gone");
  // In one script: a reader sees both or neither.
  await pollUntil(
    async () => await redis.exists(layout.inFlightOf("gone")),
    (count) => count === 0,
  );
  expect(await redis.sismember(layout.inFlightProjects, "gone")).toBe(0);
});
