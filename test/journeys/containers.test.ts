/** Containers of the code interpreter, through the official client. */
import OpenAI from "openai";
import { expect, test } from "vitest";
import { simulate } from "../support/api-client.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";

const environment = {
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: "alpha:key-of-alpha-0001,beta:key-of-beta-00001",
  CONTAINER_IDLE_SECONDS: "1200",
};
const { api } = await openTestServerWithWorker(environment);
const clientOf = (apiKey: string) => new OpenAI({ apiKey, baseURL: api.url, maxRetries: 0 });
const [alpha, beta] = [clientOf("key-of-alpha-0001"), clientOf("key-of-beta-00001")];

/** Runs one cell, and returns its container's id. */
async function runCell(client: OpenAI, code: string, previous_response_id?: string) {
  const body = simulate(
    { "step.1": JSON.stringify({ call: "python", arguments: { code } }) },
    {
      background: false,
      tools: [{ type: "code_interpreter", container: { type: "auto" } }],
      ...(previous_response_id !== undefined && { previous_response_id }),
    },
  );
  const response = await client.responses.create(body as OpenAI.Responses.ResponseCreateParamsNonStreaming);
  const call = response.output.find((item) => item.type === "code_interpreter_call");
  if (call === undefined) throw new Error(JSON.stringify(response));
  return { id: response.id, containerId: call.container_id, call };
}

const missing = (id: string) => ({
  status: 404,
  error: { message: `Container with id '${id}' not found.`, type: "invalid_request_error", param: null, code: null },
});

test("a container is listed, shown and deleted by its project alone", async () => {
  const { id, containerId } = await runCell(alpha, "x = 1");
  const shown = await alpha.containers.retrieve(containerId);
  expect(shown).toEqual({
    id: containerId,
    object: "container",
    created_at: expect.any(Number),
    name: "auto",
    status: "running",
    last_active_at: expect.any(Number),
    expires_after: { anchor: "last_active_at", minutes: 20 },
    network_policy: { type: "disabled" },
  });
  expect(shown.created_at * 1000).toBeGreaterThan(Date.now() - 120_000);
  expect((await alpha.containers.list()).data).toEqual([shown]);
  expect((await alpha.containers.list({ name: "mine" })).data).toEqual([]);

  expect((await beta.containers.list()).data).toEqual([]);
  await expect(beta.containers.retrieve(containerId)).rejects.toMatchObject(missing(containerId));
  await expect(beta.containers.delete(containerId)).rejects.toMatchObject(missing(containerId));

  await alpha.responses.delete(id);
  expect((await alpha.containers.retrieve(containerId)).id).toBe(containerId);
  await alpha.containers.delete(containerId);
  await expect(alpha.containers.retrieve(containerId)).rejects.toMatchObject(missing(containerId));
  await expect(alpha.containers.delete(containerId)).rejects.toMatchObject(missing(containerId));
  expect((await alpha.containers.list()).data).toEqual([]);
});

test("deletion ends the interpreter's state, also in a worker that holds it", async () => {
  const first = await runCell(alpha, "x = 41");
  await alpha.containers.delete(first.containerId);
  const next = await runCell(alpha, "print(x + 1)", first.id);
  expect(next.containerId).not.toBe(first.containerId);
  expect(JSON.stringify(next.call.outputs)).not.toContain("42");
  await alpha.containers.delete(next.containerId);
});

test("pages have the requested size, in both orders", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 3; i += 1) ids.push((await runCell(alpha, `${i}`)).containerId);
  for (const order of ["asc", "desc"] as const) {
    const seen: string[] = [];
    for await (const { id } of alpha.containers.list({ limit: 1, order })) seen.push(id);
    expect(seen.toSorted()).toEqual(ids.toSorted());
  }
  const ascending = (await alpha.containers.list({ order: "asc" })).data.map(({ id }) => id);
  const descending = (await alpha.containers.list()).data.map(({ id }) => id);
  expect(descending).toEqual(ascending.toReversed());
  await expect(alpha.containers.list({ after: "cntr_nobody" })).rejects.toMatchObject({ status: 400, param: "after" });
  await expect(alpha.containers.list({ limit: 0 })).rejects.toMatchObject({ code: "integer_below_min_value" });
});

test("an id of another kind is malformed", async () => {
  await expect(alpha.containers.retrieve("foo")).rejects.toMatchObject({ status: 400, param: "container_id" });
});
