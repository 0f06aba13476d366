/** The agents SDK against the real server. */
import {
  Agent,
  OpenAIConversationsSession,
  OpenAIProvider,
  Runner,
  setDefaultOpenAIClient,
  setTracingDisabled,
  run,
  tool,
} from "@openai/agents";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import OpenAI from "openai";
import type { SimulatorSettings } from "../support/api-client.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { API_KEYS, KEY } from "./clients/clients.ts";
import { collect, errorOf, simulator } from "./clients/requests.ts";

// Traces would go to the vendor.
setTracingDisabled(true);

const environment = { KEY_PREFIX: uniquePrefix(), API_KEYS };
const QUICK = { delay_ms: 0 };
let api: ApiProcess;
let worker: ServerProcess;
let client: OpenAI;
let runner: Runner;

beforeAll(async () => {
  [api, worker] = await Promise.all([startApi(environment), startWorker(environment)]);
  client = new OpenAI({ baseURL: api.url, apiKey: KEY, maxRetries: 0 });
  runner = new Runner({ modelProvider: new OpenAIProvider({ baseURL: api.url, apiKey: KEY, useResponses: true }) });
});
afterAll(async () => {
  await Promise.all([api[Symbol.asyncDispose](), worker[Symbol.asyncDispose]()]);
});

const look = tool({
  name: "look",
  description: "Looks for herons.",
  parameters: z.object({ place: z.string() }),
  execute: ({ place }) => `Herons of ${place}`,
});

function birdwatcher(settings: SimulatorSettings, options: Partial<ConstructorParameters<typeof Agent>[0]> = {}) {
  const { model, metadata } = simulator(settings);
  return new Agent({
    name: "Birdwatcher",
    instructions: "You watch birds.",
    model,
    modelSettings: { providerData: { metadata } },
    ...options,
  });
}
const QUESTION = "Tell me about herons.";

describe("run", () => {
  test("reaches a final output", async () => {
    const result = await runner.run(birdwatcher({ ...QUICK, text: "Herons wait in the shallows." }), QUESTION);
    expect(result.finalOutput).toBe("Herons wait in the shallows.");
    expect(result.lastResponseId).toMatch(/^resp_/);
    expect(result.state.usage).toMatchObject({ requests: 1, outputTokens: 5 });
    const stored = await client.responses.retrieve(result.lastResponseId!);
    expect(stored).toMatchObject({ instructions: "You watch birds.", status: "completed" });
  });

  test("works with the default client", async () => {
    setDefaultOpenAIClient(client);
    const result = await run(birdwatcher({ ...QUICK, text: "Herons wait." }), QUESTION);
    expect(result.finalOutput).toBe("Herons wait.");
  });

  test("calls tools in parallel and sends their outputs", async () => {
    const result = await runner.run(birdwatcher({ ...QUICK, calls: 2, reasoning: 4 }, { tools: [look] }), QUESTION);
    expect(result.newItems.map((item) => item.type)).toEqual([
      "reasoning_item",
      "tool_call_item",
      "tool_call_item",
      "tool_call_output_item",
      "tool_call_output_item",
      "reasoning_item",
      "message_output_item",
    ]);
    const outputs = result.newItems.flatMap((item) => (item.type === "tool_call_output_item" ? [item.output] : []));
    for (const output of outputs) expect(result.finalOutput).toContain(output);
  });

  test("has an output of a given type", async () => {
    const outputType = z.object({ species: z.string(), count: z.number() });
    const { model, metadata } = simulator(QUICK);
    const agent = new Agent({ name: "Counter", model, modelSettings: { providerData: { metadata } }, outputType });
    const { finalOutput } = await runner.run(agent, QUESTION);
    expect(outputType.parse(finalOutput)).toEqual(finalOutput);
  });

  test("continues from its predecessor", async () => {
    const first = await runner.run(birdwatcher({ ...QUICK, tokens: 6 }), QUESTION);
    const previousResponseId = first.lastResponseId!;
    const second = await runner.run(birdwatcher(QUICK, { tools: [look] }), "And where?", { previousResponseId });
    expect(second.rawResponses).toHaveLength(2);
    const [asked, answered] = await Promise.all(
      second.rawResponses.map(async ({ responseId }) => await client.responses.retrieve(responseId!)),
    );
    expect(asked).toMatchObject({ previous_response_id: previousResponseId });
    expect(answered).toMatchObject({ previous_response_id: asked!.id });
    const items = await collect(client.responses.inputItems.list(answered!.id, { order: "asc" }));
    expect(items).toMatchObject([{ type: "function_call_output", output: expect.stringContaining("Herons of") }]);
    expect(second.finalOutput).toContain("Herons of");
  });
});

describe("a stream", () => {
  test("reaches a final output", async () => {
    const agent = birdwatcher({ ...QUICK, reasoning: 4, tokens: 6 });
    const stream = await runner.run(agent, QUESTION, { stream: true });
    const deltas = await collect(stream.toTextStream());
    await stream.completed;
    expect(deltas).toHaveLength(6);
    expect(deltas.join("")).toBe(stream.finalOutput);
  });

  test("calls tools and sends their outputs", async () => {
    const agent = birdwatcher({ ...QUICK, calls: 2 }, { tools: [look] });
    const stream = await runner.run(agent, QUESTION, { stream: true });
    const events = await collect(stream);
    await stream.completed;
    expect(events.flatMap((event) => (event.type === "run_item_stream_event" ? [event.name] : []))).toEqual([
      "tool_called",
      "tool_called",
      "tool_output",
      "tool_output",
      "message_output_created",
    ]);
    expect(stream.finalOutput).toContain("Herons of");
  });

  test("continues from its predecessor", async () => {
    const first = await runner.run(birdwatcher({ ...QUICK, tokens: 6 }), QUESTION, { stream: true });
    await first.completed;
    const previousResponseId = first.lastResponseId!;
    const second = await runner.run(birdwatcher(QUICK), "And where?", { previousResponseId, stream: true });
    await second.completed;
    expect(await client.responses.retrieve(second.lastResponseId!)).toMatchObject({
      previous_response_id: previousResponseId,
    });
  });
});

describe("a session that is a conversation", () => {
  test("remembers earlier runs until it is cleared", async () => {
    const session = new OpenAIConversationsSession({ client });
    const first = await runner.run(birdwatcher({ ...QUICK, text: "Herons wait." }), QUESTION, { session });
    const agent = birdwatcher(QUICK, { tools: [look] });
    const second = await runner.run(agent, "And where?", { session });
    const [alone, remembered] = [first, second].map(({ rawResponses }) => rawResponses[0]!.usage.inputTokens);
    expect(remembered).toBeGreaterThan(alone!);
    const items = await session.getItems();
    const kinds = items.map((item) => ("role" in item ? item.role : item.type));
    expect(kinds).toEqual(["user", "assistant", "user", "function_call", "function_call_result", "assistant"]);
    expect(items[1]).toMatchObject({ content: [{ type: "output_text", text: "Herons wait." }] });
    expect(await session.getItems(2)).toEqual(items.slice(-2));
    expect(await session.popItem()).toEqual(items.at(-1));
    expect(await session.getItems()).toEqual(items.slice(0, -1));
    const id = await session.getSessionId();
    await session.clearSession();
    expect(await errorOf(client.conversations.retrieve(id))).toBeInstanceOf(OpenAI.NotFoundError);
    expect(await session.getItems()).toEqual([]);
  });
});

describe("a run that fails", () => {
  const failing = () => birdwatcher({ ...QUICK, error: "rate_limit_exceeded", fail_after: 8, tokens: 40 });

  // The SDK reports how the run ended; the event gives the reason.
  const unsuccessful = {
    name: "ModelBehaviorError",
    message: 'OpenAI Responses request ended with unsuccessful terminal state "response.failed".',
  };

  test("rejects", async () => {
    expect(await errorOf(runner.run(failing(), QUESTION))).toMatchObject(unsuccessful);
  });

  test("ends its stream with the reason", async () => {
    const stream = await runner.run(failing(), QUESTION, { stream: true });
    const received: unknown[] = [];
    const reading = (async () => {
      for await (const event of stream) if (event.type === "raw_model_stream_event") received.push(event.data);
    })();
    expect(await errorOf(reading)).toMatchObject(unsuccessful);
    expect(received.at(-1)).toMatchObject({
      event: { type: "response.failed", response: { error: { code: "rate_limit_exceeded" } } },
    });
  });

  test("a bad request is the client's own error", async () => {
    const agent = birdwatcher(QUICK, { modelSettings: { temperature: 3 } });
    const error = await errorOf(runner.run(agent, QUESTION));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ param: "temperature", code: "decimal_above_max_value" });
  });
});
