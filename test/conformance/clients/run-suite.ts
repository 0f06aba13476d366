/** Creating, polling, cancelling, deleting and listing with an official client. */
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type OpenAI from "openai";
import { type Fixture, type OfficialClient, openClient } from "./clients.ts";
import { collect, errorOf, pollToTheEnd, readUntil, simulator } from "./requests.ts";

const QUICK = { delay_ms: 0 };

export function testRuns(official: OfficialClient, fixture: Fixture): void {
  let client: OpenAI;

  beforeAll(() => {
    client = openClient(official, fixture);
  });

  describe("create", () => {
    test("polls a background response to its end", async () => {
      const created = await client.responses.create({
        ...simulator({ ...QUICK, text: "Herons wait in the shallows." }),
        background: true,
      });
      expect(created).toMatchObject({ status: "queued", background: true, output: [], output_text: "" });
      const final = await pollToTheEnd(client, created.id);
      expect(final).toMatchObject({ id: created.id, status: "completed", output_text: "Herons wait in the shallows." });
      expect(final.usage?.output_tokens).toBe(5);
      expect(final).toHaveProperty("_request_id", expect.stringMatching(/^req_/));
    });

    test("returns a foreground answer in output_text", async () => {
      const { status, output_text } = await client.responses.create(simulator({ ...QUICK, text: "Herons wait." }));
      expect([status, output_text]).toEqual(["completed", "Herons wait."]);
    });

    test("calls a function and answers its output", async () => {
      const tool: OpenAI.Responses.FunctionTool = {
        type: "function",
        name: "count_herons",
        strict: true,
        parameters: {
          type: "object",
          properties: { place: { type: "string" } },
          required: ["place"],
          additionalProperties: false,
        },
      };
      const first = await client.responses.create({ ...simulator(QUICK), tools: [tool] });
      const [call] = first.output;
      if (call?.type !== "function_call") throw new Error(`The output is ${JSON.stringify(first.output)}.`);
      expect(call).toMatchObject({ name: "count_herons", status: "completed", call_id: expect.any(String) });
      expect(JSON.parse(call.arguments)).toEqual({ place: expect.any(String) });
      const second = await client.responses.create({
        ...simulator(QUICK),
        previous_response_id: first.id,
        input: [{ type: "function_call_output", call_id: call.call_id, output: "Seventeen in the reeds" }],
        tools: [tool],
      });
      expect(second.status).toBe("completed");
      expect(second.output_text).toContain("Seventeen in the reeds");
    });

    test("parses structured output", async () => {
      const shape = z.object({
        species: z.string(),
        count: z.number().int(),
        seen: z.array(z.enum(["dawn", "dusk"])),
        nest: z.object({ height_m: z.number() }).nullable(),
      });
      const response = await client.responses.parse({
        ...simulator(QUICK),
        text: { format: official.zodTextFormat(shape, "sighting") },
      });
      expect(shape.parse(response.output_parsed)).toEqual(JSON.parse(response.output_text));
    });
  });

  describe("a created response", () => {
    test("is cancelled while it runs, and stays cancelled", async () => {
      const { id } = await client.responses.create({ ...simulator({ hang: true }), background: true });
      const cancelled = await client.responses.cancel(id);
      expect(cancelled).toMatchObject({ id, status: "cancelled", error: null });
      expect(await client.responses.cancel(id)).toEqual(cancelled);
      expect(await client.responses.retrieve(id)).toMatchObject(cancelled);
    });

    test("ends its stream without an error when cancelled", async () => {
      const created = await client.responses.create({
        ...simulator({ hang: true }),
        background: true,
        stream: true,
      });
      let deltas = 0;
      const running = await readUntil(created, ({ type }) => type === "response.output_text.delta" && ++deltas === 3);
      const { id } = (running[0] as OpenAI.Responses.ResponseCreatedEvent).response;
      const following = client.responses.stream({ response_id: id }).finalResponse();
      await client.responses.cancel(id);
      for (const final of [await following, await client.responses.stream({ response_id: id }).finalResponse()]) {
        expect(final).toMatchObject({ id, status: "cancelled", output: [{ type: "message", status: "incomplete" }] });
        expect(final.output_text).not.toBe("");
      }
    });

    test("is gone once deleted", async () => {
      const { id } = await client.responses.create(simulator({ ...QUICK, tokens: 1 }));
      await client.responses.delete(id);
      const notFound = { status: 404, message: expect.stringContaining(id) };
      for (const request of [
        () => client.responses.retrieve(id),
        () => client.responses.retrieve(id, { stream: true }),
        () => client.responses.cancel(id),
        () => client.responses.delete(id),
        () => client.responses.inputItems.list(id),
        () => client.responses.stream({ response_id: id }).finalResponse(),
      ]) {
        const error = await errorOf(request());
        expect(error).toBeInstanceOf(official.OpenAI.NotFoundError);
        expect(error).toMatchObject(notFound);
      }
    });

    test("lists its input items by page, in both orders", async () => {
      const words = ["one", "two", "three", "four", "five"];
      const { id } = await client.responses.create({
        ...simulator({ ...QUICK, tokens: 1 }),
        input: words.map((content) => ({ role: "user", content })),
      });
      for (const [order, wanted] of [
        ["asc", words],
        ["desc", words.toReversed()],
      ] as const) {
        const items = await collect(client.responses.inputItems.list(id, { limit: 2, order }));
        const contents = items.map((item) => ("content" in item ? item.content : undefined));
        expect(contents).toEqual(wanted.map((text) => [{ type: "input_text", text }]));
        expect(new Set(items.map((item) => item.id)).size).toBe(words.length);
      }
    });

    test("names a model from the list of models", async () => {
      const models = await collect(client.models.list());
      expect(models.map((model) => model.id)).toContain("simulator/default");
      expect(await client.models.retrieve("simulator/default")).toMatchObject({ object: "model" });
    });
  });
}
