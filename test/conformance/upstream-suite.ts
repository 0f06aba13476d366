/** The upstream contract (workers/upstreams/upstream.ts) as tests. Every implementation runs them. */
import { describe, expect, test } from "vitest";
import { newId } from "../../src/protocol/id.ts";
import type { InputItem, OutputItem } from "../../src/protocol/item.ts";
import type { FunctionTool } from "../../src/protocol/tool.ts";
import type { Upstream, UpstreamCall, UpstreamEvent } from "../../workers/upstreams/upstream.ts";
import { readLog, textOf } from "./upstream-log.ts";

type Message = Extract<InputItem, { type: "message"; role: "user" }>;

/** The scenarios that an implementation must produce, each in its own way: by a prompt or a setting. */
export type Scenario =
  | "text"
  | "reasoning"
  | "function call"
  | "parallel calls"
  | "image"
  | "json schema"
  | "max output tokens"
  | "failure"
  | "failure in mid-stream"
  /** Deltas that arrive one by one, for at least a minute. */
  | "slow text";

export interface UpstreamSetup extends AsyncDisposable {
  upstream: Upstream;
  ask(scenario: Scenario): { model: string; prompt: string; metadata?: Record<string, string> };
}

export const WEATHER_TOOL: FunctionTool = {
  type: "function",
  name: "get_weather",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

const CITY_SCHEMA = {
  type: "object",
  properties: { city: { type: "string" }, population: { type: "integer" } },
  required: ["city", "population"],
  additionalProperties: false,
};

const REQUESTS: Record<Scenario, Partial<UpstreamCall["request"]>> = {
  text: {},
  reasoning: { reasoning: { effort: "low", summary: "auto" } },
  "function call": { tools: [WEATHER_TOOL], tool_choice: "required", parallel_tool_calls: false },
  "parallel calls": { tools: [WEATHER_TOOL], tool_choice: "required", parallel_tool_calls: true },
  image: {},
  "json schema": { text: { format: { type: "json_schema", name: "city", schema: CITY_SCHEMA, strict: true } } },
  "max output tokens": { max_output_tokens: 16 },
  failure: {},
  "failure in mid-stream": {},
  "slow text": {},
};

/** The smallest PNG: one pixel. */
const IMAGE_BASE64 = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const CONTENTS: Partial<Record<Scenario, (prompt: string) => Message["content"]>> = {
  image: (prompt) => [
    { type: "input_text", text: prompt },
    { type: "input_image", image_url: `data:image/png;base64,${IMAGE_BASE64}`, detail: "auto" },
  ],
};

/** Far more than needed, and far less than a slow text takes. */
const PROMPTLY_MS = 2_000;

export function makeCall(setup: UpstreamSetup, scenario: Scenario): UpstreamCall {
  const { model, prompt, metadata } = setup.ask(scenario);
  return {
    responseId: newId("resp"),
    model,
    request: { model, ...REQUESTS[scenario], ...(metadata && { metadata }) },
    history: [{ type: "message", role: "user", content: CONTENTS[scenario]?.(prompt) ?? prompt }],
    completedItems: [],
    firstOutputIndex: 0,
  };
}

export function describeUpstream(name: string, makeSetup: () => Promise<UpstreamSetup>): void {
  async function read(scenario: Scenario) {
    await using setup = await makeSetup();
    return await readLog(setup.upstream.run(makeCall(setup, scenario), new AbortController().signal));
  }

  describe(`${name}, as every upstream,`, () => {
    test("streams a text", async () => {
      const { events, finish, output } = await read("text");
      expect(finish.status).toBe("completed");
      expect(output.map(({ type, status }) => ({ type, status }))).toEqual([{ type: "message", status: "completed" }]);
      expect(textOf(output[0]!)).not.toBe("");
      expect(events.filter((event) => event.type === "response.output_text.delta").length).toBeGreaterThan(1);
    });

    test("streams reasoning before the answer", async () => {
      const { finish, output } = await read("reasoning");
      expect(finish.status).toBe("completed");
      expect(output.map((item) => item.type)).toEqual(["reasoning", "message"]);
      expect(textOf(output[0]!)).not.toBe("");
    });

    test("calls a function with JSON arguments", async () => {
      const { finish, output } = await read("function call");
      expect(finish.status).toBe("completed");
      expect(output).toHaveLength(1);
      expect(output[0]).toMatchObject({ type: "function_call", name: WEATHER_TOOL.name, status: "completed" });
      expect(jsonOf(output[0]!)).toEqual({ city: expect.any(String) });
    });

    test("calls parallel functions one after the other in the log", async () => {
      const { finish, output } = await read("parallel calls");
      expect(finish.status).toBe("completed");
      expect(output.map(({ type, status }) => ({ type, status }))).toEqual([
        { type: "function_call", status: "completed" },
        { type: "function_call", status: "completed" },
      ]);
      for (const call of output) expect(jsonOf(call)).toEqual({ city: expect.any(String) });
      expect(new Set(output.map((item) => "call_id" in item && item.call_id)).size).toBe(2);
    });

    test("accepts an image", async () => {
      const { finish, output } = await read("image");
      expect(finish.status).toBe("completed");
      expect(textOf(output.at(-1)!)).not.toBe("");
    });

    test("counts tokens", async () => {
      const { finish } = await read("text");
      const { usage } = finish as Extract<typeof finish, { status: "completed" }>;
      expect(usage.input_tokens).toBeGreaterThan(0);
      expect(usage.output_tokens).toBeGreaterThan(0);
      expect(usage.total_tokens).toBe(usage.input_tokens + usage.output_tokens);
    });

    test("fills a JSON schema", async () => {
      const { finish, output } = await read("json schema");
      expect(finish.status).toBe("completed");
      expect(jsonOf(output.at(-1)!)).toEqual({ city: expect.any(String), population: expect.any(Number) });
    });

    test("reports that it stopped at max_output_tokens", async () => {
      const { finish } = await read("max output tokens");
      expect(finish).toMatchObject({ status: "incomplete", details: { reason: "max_output_tokens" } });
    });

    test("finishes as failed without throwing if generation cannot start", async () => {
      const { events, finish } = await read("failure");
      expect(finish).toMatchObject({ status: "failed", error: { message: expect.any(String) } });
      expect(events).toEqual([]);
    });

    test("finishes as failed without throwing if generation breaks off", async () => {
      const { events, finish } = await read("failure in mid-stream");
      expect(finish.status).toBe("failed");
      expect(events.length).toBeGreaterThan(0);
    });
  });

  describeStopping(name, makeSetup);
}

function describeStopping(name: string, makeSetup: () => Promise<UpstreamSetup>): void {
  describe(`${name}, when aborted,`, () => {
    test("rejects with the reason of an earlier abort", async () => {
      await using setup = await makeSetup();
      const reason = new Error("cancelled before it began");
      const stream = setup.upstream.run(makeCall(setup, "text"), AbortSignal.abort(reason));
      await expect(stream[Symbol.asyncIterator]().next()).rejects.toBe(reason);
    });

    test("rejects promptly with the signal's reason in mid-stream", async () => {
      await using setup = await makeSetup();
      const abort = new AbortController();
      const stream = await startReading(setup, abort.signal);
      const reason = new Error("cancelled in mid-stream");
      const startedAt = performance.now();
      const reading = readToEnd(stream);
      abort.abort(reason);
      await expect(reading).rejects.toBe(reason);
      expect(performance.now() - startedAt).toBeLessThan(PROMPTLY_MS);
    });

    test("ends promptly when its reader leaves", async () => {
      await using setup = await makeSetup();
      const stream = await startReading(setup, new AbortController().signal);
      const startedAt = performance.now();
      await stream.return?.();
      expect(await stream.next()).toEqual({ done: true, value: undefined });
      expect(performance.now() - startedAt).toBeLessThan(PROMPTLY_MS);
    });
  });
}

/** Reads up to the first delta. */
async function startReading(setup: UpstreamSetup, signal: AbortSignal): Promise<AsyncIterator<UpstreamEvent>> {
  const stream = setup.upstream.run(makeCall(setup, "slow text"), signal)[Symbol.asyncIterator]();
  for (;;) {
    const { value } = await stream.next();
    if ((value as UpstreamEvent).type === "response.output_text.delta") return stream;
  }
}

async function readToEnd(stream: AsyncIterator<UpstreamEvent>): Promise<void> {
  while ((await stream.next()).done !== true);
}

function jsonOf(item: OutputItem): unknown {
  return JSON.parse(textOf(item));
}
