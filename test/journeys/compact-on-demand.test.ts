/** `compaction_trigger` compacts the context in a response of its own; `compact` takes an Idempotency-Key. */
import { describe, expect, test } from "vitest";
import type { OutputItem } from "../../src/protocol/item.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectExact, expectOneTerminal, subscribe } from "../support/subscriber.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";

expectDescribed();

const environment = { KEY_PREFIX: uniquePrefix() };
const TRIGGER = { type: "compaction_trigger" };
const LONG = "The heron stood in the reeds and waited for the water to be still. ".repeat(13);
const server = await openTestServerWithWorker(environment);
const { api, inspector } = server;

const say = (content: string) => ({ role: "user", content });
const history = [say("My name is Ada."), { role: "assistant", content: LONG }, say("What is my name?")];
const finish = async (fields: object) =>
  await pollToEnd(api.url, (await create(api.url, simulate({ delay_ms: 0, tokens: 5 }, { ...fields }))).id);
const post = async <T>(path: string, body: unknown, headers: Record<string, string> = {}) =>
  await send<T>("POST", `${api.url}${path}`, body, headers);
const count = async (fields: object): Promise<number> =>
  (await post<{ input_tokens: number }>("/responses/input_tokens", fields)).body.input_tokens;
const kindsOf = (items: readonly { type: string }[]) => items.map(({ type }) => type);

describe("a compaction_trigger at the end of the input", () => {
  test("is answered with the compaction alone, whatever the threshold", async () => {
    const response = await finish({ input: [...history, TRIGGER], context_management: [{ type: "compaction" }] });
    expect(response).toMatchObject({ status: "completed", error: null, output: [{ type: "compaction" }] });
    expect(response.output).toHaveLength(1);
    expect(response.usage!.input_tokens).toBeGreaterThan(100);
    const log = await inspector.log(response.id);
    expectExact((await subscribe(api.url, response.id)).events, log, 0);
    const listed = await send<{ data: OutputItem[] }>("GET", `${api.url}/responses/${response.id}/input_items`);
    expect(kindsOf(listed.body.data), "it is an order, and no item").toEqual(["message", "message", "message"]);
  });

  test("shortens its chain and its conversation", async () => {
    const first = await finish({ input: history });
    const compacted = await finish({ input: [TRIGGER], previous_response_id: first.id });
    expect(kindsOf(compacted.output)).toEqual(["compaction"]);
    const before = await count({ previous_response_id: first.id });
    expect(await count({ previous_response_id: compacted.id })).toBeLessThan(before / 2);
    expect((await finish({ input: "And now?", previous_response_id: compacted.id })).status).toBe("completed");

    const { body: conversation } = await post<{ id: string }>("/conversations", { items: history });
    await finish({ input: [TRIGGER], conversation: conversation.id });
    const path = `${api.url}/conversations/${conversation.id}/items?order=asc`;
    const { data } = (await send<{ data: OutputItem[] }>("GET", path)).body;
    expect(kindsOf(data)).toEqual(["message", "message", "message", "compaction"]);
    expect(await count({ conversation: conversation.id })).toBeLessThan(before / 2);
  });

  test("costs no tokens in a count, and is accepted by compact", async () => {
    expect(await count({ input: [...history, TRIGGER] })).toBe(await count({ input: history }));
    const body = { model: "simulator/default", input: [...history, TRIGGER] };
    const { output } = (await post<{ output: OutputItem[] }>("/responses/compact", body)).body;
    expect(kindsOf(output)).toEqual(["message", "message", "compaction"]);
  });

  test.each([
    ["before another item", "/responses", [TRIGGER, say("Hello")], "input[0]", "invalid_value"],
    ["twice", "/responses", [say("Hello"), TRIGGER, TRIGGER], "input[1]", "invalid_value"],
    ["in input_tokens", "/responses/input_tokens", [TRIGGER, say("Hello")], "input[0]", "invalid_value"],
    ["to compact", "/responses/compact", [TRIGGER, say("Hello")], "input[0]", "invalid_value"],
    ["with nothing to compact", "/responses", [TRIGGER], null, "missing_required_parameter"],
    ["with nothing for compact", "/responses/compact", [TRIGGER], null, "missing_required_parameter"],
  ])("is rejected %s", async (_name, path, input, param, code) => {
    expect(await post(path, { model: "simulator/default", input })).toMatchObject({
      status: 400,
      body: { error: { param, code } },
    });
  });

  /** Another worker takes over. */
  async function killAt(type: string, delay_ms: number): Promise<string[]> {
    const { id } = await create(api.url, simulate({ tokens: 20, delay_ms }, { input: [...history, TRIGGER] }));
    let isKilled = false;
    const { events } = await subscribe(api.url, id, {
      onEvent: async (event) => {
        if (event.type !== type || isKilled) return;
        isKilled = true;
        server.worker.kill("SIGKILL");
        await server.worker.exited;
        server.worker = await startWorker(environment);
      },
    });
    const log = await inspector.log(id);
    expectExact(events, log, 0);
    return log;
  }

  test("compacts once, even if its worker is killed", async () => {
    const log = await killAt("response.output_item.added", 50);
    const done = log.map((data) => JSON.parse(data) as { type: string; item?: OutputItem });
    const compactions = done.filter(({ type }) => type === "response.output_item.done").map(({ item }) => item);
    expect(compactions.map((item) => item!.status)).toEqual(["incomplete", undefined]);
    const response = expectOneTerminal(log);
    expect(response).toMatchObject({ status: "completed", output: [{ type: "compaction" }] });
    expect(response.output).toHaveLength(1);
  });
});

describe("compact with an Idempotency-Key", () => {
  const body = { model: "simulator/default", input: history };
  const compact = async (key: string, fields: object = {}) =>
    await post<{ id: string }>("/responses/compact", { ...body, ...fields }, { "idempotency-key": key });

  test("gives the same answer again, and rejects another body", async () => {
    const first = await compact("one");
    const second = await compact("one");
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    expect(second).toMatchObject({ status: 200, body: first.body });
    expect(second.headers.get("idempotent-replayed")).toBe("true");
    const other = { status: 422, body: { error: { code: "idempotency_key_reuse" } } };
    expect(await compact("one", { input: "Other" })).toMatchObject(other);
    expect((await compact("two")).body.id).not.toBe(first.body.id);
  });

  test("does not share the key of an equal response", async () => {
    await compact("three");
    const same = { ...body, store: false };
    expect((await post("/responses", same, { "idempotency-key": "three" })).status).toBe(422);
  });
});
