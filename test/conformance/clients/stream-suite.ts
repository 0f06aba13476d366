/** Streaming, dropping and resuming with an official client, raw and through its accumulating helper. */
import { beforeAll, describe, expect, test } from "vitest";
import type OpenAI from "openai";
import { RedisInspector } from "../../support/api-client.ts";
import { startApi, startWorker } from "../../support/processes.ts";
import { uniquePrefix } from "../../support/redis.ts";
import { API_KEYS, type Fixture, type OfficialClient, openClient } from "./clients.ts";
import {
  collect,
  numbersOf,
  pollToTheEnd,
  range,
  readUntil,
  replay,
  simulator,
  type StreamEvent,
  typesOf,
  withoutSnapshot,
} from "./requests.ts";

const DROPPED_AFTER = 10;

const LOOK: OpenAI.Responses.FunctionTool = {
  type: "function",
  name: "look",
  parameters: { type: "object", properties: { place: { type: "string" } }, required: ["place"] },
  strict: false,
};

export function testStreams(official: OfficialClient, fixture: Fixture): void {
  let client: OpenAI;

  beforeAll(() => {
    client = openClient(official, fixture);
  });

  /** A response whose stream was dropped in the middle, which does not affect it. */
  async function createAndDrop(): Promise<{ id: string; received: StreamEvent[] }> {
    const settings = { reasoning: 8, tokens: 40, delay_ms: 10 };
    const stream = await client.responses.create({ ...simulator(settings), background: true, stream: true });
    const received = await readUntil(stream, (event) => event.sequence_number === DROPPED_AFTER);
    return { id: idOf(received), received };
  }

  describe("resuming a background stream", () => {
    test("retrieve({ stream, starting_after }) resumes where the connection dropped", async () => {
      const { id, received } = await createAndDrop();
      const rest = await client.responses.retrieve(id, { stream: true, starting_after: DROPPED_AFTER });
      received.push(...(await collect(rest)));
      expect(numbersOf(received)).toEqual(range(0, received.length - 1));
      expect(typesOf(received).slice(0, 3)).toEqual(["response.created", "response.queued", "response.in_progress"]);
      expect(typesOf(received).at(-1)).toBe("response.completed");
      expect(await replay(client, id)).toEqual(received);
    });

    test("survives drop after drop, event by event", async () => {
      const { id, received } = await createAndDrop();
      while (received.at(-1)!.type !== "response.completed") {
        const cursor = received.at(-1)!.sequence_number;
        const rest = await client.responses.retrieve(id, { stream: true, starting_after: cursor });
        received.push(...(await readUntil(rest, () => true)));
      }
      expect(await replay(client, id)).toEqual(received);
    });

    test("stream({ response_id, starting_after }) yields the rest and assembles the whole", async () => {
      const { id, received } = await createAndDrop();
      const helper = client.responses.stream({ response_id: id, starting_after: DROPPED_AFTER });
      const rest = await collect(helper);
      expect([...received, ...rest].map(withoutSnapshot)).toEqual(await replay(client, id));
      expect(await helper.finalResponse()).toMatchObject(await client.responses.retrieve(id));
    });

    test("yields nothing after the end, and still assembles the whole", async () => {
      const { id } = await client.responses.create(simulator({ tokens: 4, delay_ms: 0 }));
      const last = (await replay(client, id)).length - 1;
      const rest = await client.responses.retrieve(id, { stream: true, starting_after: last });
      expect(await collect(rest)).toEqual([]);
      const helper = client.responses.stream({ response_id: id, starting_after: last });
      expect((await helper.finalResponse()).status).toBe("completed");
    });
  });

  describe("the helper", () => {
    test("follows a created response and assembles its text", async () => {
      const helper = client.responses.stream({ ...simulator({ tokens: 12, delay_ms: 0 }), background: true });
      const snapshots: string[] = [];
      helper.on("response.output_text.delta", ({ snapshot }) => snapshots.push(snapshot));
      const final = await helper.finalResponse();
      expect(final.status).toBe("completed");
      expect(snapshots).toHaveLength(12);
      expect(snapshots.at(-1)).toBe(final.output_text);
    });

    test("assembles the arguments of parallel function calls", async () => {
      const helper = client.responses.stream({ ...simulator({ calls: 2, delay_ms: 0 }), tools: [LOOK] });
      const snapshots = new Map<number, string>();
      helper.on("response.function_call_arguments.delta", ({ output_index, snapshot }) =>
        snapshots.set(output_index, snapshot),
      );
      const { output } = await helper.finalResponse();
      expect(output.map((item) => item.type === "function_call" && item.arguments)).toEqual([...snapshots.values()]);
      expect(output).toHaveLength(2);
    });

    test("resolves for a failed run, before output and in the middle", async () => {
      for (const fail_after of [0, 12]) {
        const settings = { fail_after, error: "rate_limit_exceeded", tokens: 40, delay_ms: 0 };
        const helper = client.responses.stream({ ...simulator(settings), background: true });
        const failed = await helper.finalResponse();
        expect(failed).toMatchObject({ status: "failed", error: { code: "rate_limit_exceeded" } });
        expect(failed.output_text === "").toBe(fail_after === 0);
        await expectAgreement(failed.id);
      }
    });

    test("resolves for a run cut off by max_output_tokens", async () => {
      const helper = client.responses.stream({ ...simulator({ tokens: 40, delay_ms: 0 }), max_output_tokens: 16 });
      const incomplete = await helper.finalResponse();
      expect(incomplete).toMatchObject({
        status: "incomplete",
        incomplete_details: { reason: "max_output_tokens" },
        output: [{ type: "message", status: "incomplete" }],
      });
      expect(incomplete.output_text).not.toBe("");
      await expectAgreement(incomplete.id);
    });

    test("recognizes a refusal", async () => {
      const helper = client.responses.stream(simulator({ refusal: true, tokens: 6, delay_ms: 0 }));
      const { output } = await helper.finalResponse();
      expect(output).toMatchObject([{ type: "message", content: [{ type: "refusal", refusal: expect.any(String) }] }]);
    });
  });

  /** After the end, reading it by id returns the same as polling. */
  async function expectAgreement(id: string): Promise<void> {
    const streamed = await client.responses.stream({ response_id: id }).finalResponse();
    expect(streamed).toMatchObject(await client.responses.retrieve(id));
  }

  test("responses are whole after their worker is killed within an item", async () => {
    const environment = { KEY_PREFIX: uniquePrefix(), API_KEYS };
    using inspector = new RedisInspector(environment.KEY_PREFIX);
    await using api = await startApi(environment);
    await using doomed = await startWorker(environment);
    const survivor = openClient(official, { api, prefix: environment.KEY_PREFIX });
    const message = await survivor.responses.create({
      ...simulator({ reasoning: 6, tokens: 100, delay_ms: 20 }),
      background: true,
    });
    const call = await survivor.responses.create({ ...simulator({ delay_ms: 200 }), tools: [LOOK], background: true });
    const following = [message, call].map(({ id }) => survivor.responses.stream({ response_id: id }));
    // Their ends are awaited below; until then a rejection has no handler.
    const whole = Promise.allSettled(following.map((helper) => helper.finalResponse()));
    // A call is invisible until it is whole: it is in its middle while the model writes it.
    await Promise.all([
      following[0]!.emitted("response.output_text.delta"),
      following[1]!.emitted("response.in_progress"),
    ]);
    doomed.kill("SIGKILL");
    await doomed.exited;
    await using _heir = await startWorker(environment);

    const finals = await Promise.all([message, call].map(({ id }) => pollToTheEnd(survivor, id)));
    expect(finals).toMatchObject([
      { status: "completed", output: [{ type: "reasoning" }, { type: "message" }] },
      { status: "completed", output: [{ type: "function_call" }] },
    ]);
    expect(await whole).toMatchObject(finals.map((value) => ({ status: "fulfilled", value })));
    for (const final of finals) {
      expect((await inspector.meta(final.id))["attempts"]).toBe("2");
      for (const cursor of [{}, { starting_after: DROPPED_AFTER }]) {
        const helper = survivor.responses.stream({ response_id: final.id, ...cursor });
        expect(await helper.finalResponse()).toMatchObject(final);
      }
    }
    expect(itemsEnded(await replay(survivor, message.id))).toEqual([
      [0, "reasoning", "completed"],
      [1, "message", "completed"],
    ]);
    expect(itemsEnded(await replay(survivor, call.id))).toEqual([[0, "function_call", "completed"]]);
  });
}

/** A text was continued at its index, and a broken call left no trace. */
function itemsEnded(events: readonly StreamEvent[]): unknown[] {
  return events.flatMap((event) =>
    event.type === "response.output_item.done"
      ? [[event.output_index, event.item.type, "status" in event.item && event.item.status]]
      : [],
  );
}

function idOf(events: readonly StreamEvent[]): string {
  const [first] = events;
  if (first?.type !== "response.created") throw new Error(`The first event is ${JSON.stringify(first)}.`);
  return first.response.id;
}
