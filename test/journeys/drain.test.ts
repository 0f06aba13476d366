/** A rolling deploy: workers stop while they write responses. Nothing that ends within the grace is cut. */
import { expect, test } from "vitest";
import { actOnStream, actOnFinalResponse } from "../support/acting-client.ts";
import { create, simulate } from "../support/api-client.ts";
import { pollUntil, untilNoneInFlight } from "../support/poll-until.ts";
import { type ServerProcess, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectExact, expectOneTerminal, type ReceivedEvent, subscribe } from "../support/subscriber.ts";
import { openTestServer } from "../support/test-server.ts";

const prefix = uniquePrefix();
const environment = { KEY_PREFIX: prefix };
const { api, inspector } = await openTestServer(environment);

/** Reasoning of about 20 events, and a message of about 60. */
const request = () => simulate({ reasoning: 15, tokens: 60, delay_ms: 20 });

/** Follows a response, and stops its worker at the first event that `isPlace` accepts. Returns the log. */
async function drainAt(
  id: string,
  worker: ServerProcess,
  isPosition: (event: ReceivedEvent) => boolean,
): Promise<string[]> {
  let isDraining = false;
  const { events, isWhole } = await subscribe(api.url, id, {
    onEvent: (event) => {
      if (isDraining || !isPosition(event)) return;
      isDraining = true;
      worker.kill("SIGTERM");
    },
  });
  expect([isWhole, isDraining]).toEqual([true, true]);
  const log = await inspector.log(id);
  expectExact(events, log, 0);
  expect(expectOneTerminal(log).status).toBe("completed");
  expect(actOnStream(log)).toEqual(actOnFinalResponse(expectOneTerminal(log)));
  // A hand-over does not count as an attempt.
  expect((await inspector.meta(id))["attempts"]).toBe("1");
  return log;
}

const isDelta = (name: string) => (event: ReceivedEvent) => event.type === `response.${name}.delta`;
const workerOf = async (id: string) => (await inspector.meta(id))["worker"]!.split(":").at(-1);

test("a message in progress is finished by its own worker", async () => {
  const leaving = await startWorker(environment);
  const { id } = await create(api.url, request());
  await drainAt(id, leaving, isDelta("output_text"));
  expect(await workerOf(id)).toBe(String(leaving.child.pid));
  expect(await leaving.exited).toBe(0);
});

test("another worker takes over between reasoning and a message", async () => {
  const leaving = await startWorker(environment);
  const { id } = await create(api.url, request());
  const heir = leaving.exited.then(() => startWorker(environment));
  await drainAt(id, leaving, isDelta("reasoning_text"));
  await using other = await heir;
  expect(await workerOf(id)).toBe(String(other.child.pid));
});

test.each(["reasoning_text", "output_text"])(
  "without a grace, %s is handed over and continued in its position",
  async (name) => {
    const leaving = await startWorker({ ...environment, DRAIN_GRACE_MS: "0" });
    const { id } = await create(api.url, request());
    const heir = leaving.exited.then(() => startWorker(environment));
    await drainAt(id, leaving, isDelta(name));
    await using other = await heir;
    expect(await workerOf(id)).toBe(String(other.child.pid));
  },
);

test("a stopping lone worker finishes a waiting client's answer", async () => {
  const leaving = await startWorker(environment);
  // The worker of an earlier test may have been killed before it settled a response that had ended.
  await untilNoneInFlight(inspector);
  const answered = fetch(`${api.url}/responses`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...request(), background: false }),
  });
  const [id] = await pollUntil(
    async () => await inspector.inFlight(),
    ({ length }) => length > 0,
  );
  await drainAt(id!, leaving, isDelta("reasoning_text"));
  const response = (await (await answered).json()) as { id: string; status: string };
  expect(response).toMatchObject({ id, status: "completed" });
  expect(await leaving.exited).toBe(0);
});
