/** Every upstream under the same suite. The provider is a real HTTP server that plays recorded answers. */
import { LLMock } from "@copilotkit/aimock";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { AiSdkUpstream } from "../../workers/upstreams/ai-sdk/ai-sdk.ts";
import { OpenAiResponsesUpstream } from "../../workers/upstreams/openai-responses/openai-responses.ts";
import { SimulatorUpstream } from "../../workers/upstreams/simulator/simulator.ts";
import { readLog } from "./upstream-log.ts";
import { describeUpstream, makeCall, type Scenario, type UpstreamSetup, WEATHER_TOOL } from "./upstream-suite.ts";

const SIMULATOR_METADATA: Partial<Record<Scenario, Record<string, string>>> = {
  failure: { "simulator.error": "server_error" },
  "failure in mid-stream": { "simulator.fail_after": "5" },
  "parallel calls": { "simulator.calls": "2" },
  "max output tokens": { "simulator.tokens": "40" },
  "slow text": { "simulator.tokens": "6000", "simulator.delay_ms": "10" },
};

describeUpstream("the simulator", async () => ({
  upstream: new SimulatorUpstream(),
  ask: (scenario) => ({
    model: "default",
    prompt: "Hello",
    metadata: { "simulator.delay_ms": "0", ...SIMULATOR_METADATA[scenario] },
  }),
  [Symbol.asyncDispose]: async () => {},
}));

const LONG_TEXT = "All work and no play. ".repeat(1_000);

/** The kinds of provider that aimock supports, with a model that it treats as a reasoning model. */
const PROVIDERS = {
  "a Responses API server": { kind: "openai-responses", path: "/v1", model: "gpt-5.2" },
  "a chat completions server": { kind: "openai-compatible", path: "/v1", model: "gpt-5.2" },
  Anthropic: { kind: "anthropic", path: "/v1", model: "claude-opus-4-5" },
  Google: { kind: "google", path: "/v1beta", model: "gemini-3-pro-preview" },
} as const;
type ProviderName = keyof typeof PROVIDERS;

interface ProviderSetup extends UpstreamSetup {
  provider: LLMock;
}

async function startProvider(name: ProviderName, settings: NodeJS.ProcessEnv = {}): Promise<ProviderSetup> {
  const { kind, path, model } = PROVIDERS[name];
  const provider = new LLMock({ port: 0, chunkSize: 8 });
  provider
    .onMessage("reasoning", { content: "Thirteen.", reasoning: "Six and seven are thirteen." })
    .onMessage("function call", { toolCalls: [{ name: WEATHER_TOOL.name, arguments: '{"city":"Paris"}' }] })
    .onMessage("parallel calls", { toolCalls: ["Paris", "Rome"].map(askWeather) })
    .onMessage("image", { content: "A pixel." })
    .onMessage("json schema", { content: '{"city":"Paris","population":2100000}' })
    .onMessage("max output tokens", { content: "This text was cut", finishReason: "length" })
    .onMessage("failure in mid-stream", { content: LONG_TEXT }, { truncateAfterChunks: 12, latency: 5 })
    .onMessage("failure", { error: { message: "This model is broken.", type: "server_error" }, status: 500 })
    .onMessage("slow text", { content: LONG_TEXT }, { latency: 25 })
    .onMessage("text", { content: "Hello, how may I help you?", usage: USAGES[kind] });
  await provider.start();
  const config = readConfig({ UPSTREAM_MAX_RETRIES: "2", ...settings });
  const entry = { name: "aimock", base_url: `${provider.url}${path}`, headers: {} };
  const options = { firstBackoffMs: 1 };
  return {
    provider,
    upstream:
      kind === "openai-responses"
        ? new OpenAiResponsesUpstream({ ...entry, kind }, config, options)
        : new AiSdkUpstream({ ...entry, kind }, config, options),
    ask: (prompt) => ({ model, prompt }),
    [Symbol.asyncDispose]: async () => await provider.stop(),
  };
}

function askWeather(city: string) {
  return { name: WEATHER_TOOL.name, arguments: JSON.stringify({ city }) };
}

/** 3 input and 7 output tokens, in each vendor's fields. */
const USAGES = {
  "openai-responses": { input_tokens: 3, output_tokens: 7 },
  "openai-compatible": { prompt_tokens: 3, completion_tokens: 7 },
  anthropic: { input_tokens: 3, output_tokens: 7 },
  google: { promptTokenCount: 3, candidatesTokenCount: 7 },
};

/** The stream breaks off after this many chunks. */
const CUTS = Array.from({ length: 12 }, (_, index) => index + 1);

const NAMES = Object.keys(PROVIDERS) as ProviderName[];
for (const name of NAMES) describeUpstream(name, async () => await startProvider(name));

test.each([
  ["a chat completions server", "content_filter"],
  ["Anthropic", "refusal"],
  ["Google", "content_filter"],
] as const)("%s that filters its output makes the response incomplete", async (name, finishReason) => {
  await using setup = await startProvider(name);
  setup.provider.prependFixture({ match: { userMessage: "text" }, response: { content: "I would", finishReason } });
  const { finish, output } = await readText(setup);
  expect(finish).toMatchObject({ status: "incomplete", details: { reason: "content_filter" } });
  expect(output).toMatchObject([{ type: "message", status: "incomplete" }]);
});

async function readText(setup: UpstreamSetup) {
  return await readLog(setup.upstream.run(makeCall(setup, "text"), new AbortController().signal));
}

describe.each(NAMES)("%s, when it misbehaves,", (name) => {
  test.for([
    { name: "answers with status 500", chaos: { dropRate: 1 }, code: "server_error", tries: 3 },
    { name: "answers with malformed JSON", chaos: { malformedRate: 1 }, code: "server_error", tries: 3 },
    { name: "closes the connection", chaos: { disconnectRate: 1 }, code: "server_error", tries: 3 },
  ])("fails the response after the last try if it $name", async ({ chaos, code, tries }) => {
    await using setup = await startProvider(name);
    setup.provider.setChaos(chaos);
    const { events, finish } = await readText(setup);
    expect(finish).toMatchObject({ status: "failed", error: { code } });
    expect(events).toEqual([]);
    expect(setup.provider.getRequests()).toHaveLength(tries);
  });

  test("is retried after a delay, then waited for in the queue", async () => {
    await using setup = await startProvider(name, { UPSTREAM_MAX_RETRIES: "1" });
    setup.provider.setChaos({ rateLimitRate: 1 });
    const { finish } = await readText(setup);
    expect(finish).toMatchObject({ status: "postponed", error: { code: "rate_limit_exceeded" } });
    expect(finish, "aimock says Retry-After: 1").toMatchObject({ retryAfterMs: 1_000 });
    expect(setup.provider.getRequests()).toHaveLength(2);
  });

  test("recovers from one failure", async () => {
    await using setup = await startProvider(name);
    setup.provider.nextRequestError(503, { message: "Overloaded" });
    const { finish } = await readText(setup);
    expect(finish).toMatchObject({
      status: "completed",
      usage: { input_tokens: 3, output_tokens: 7, total_tokens: 10 },
    });
  });

  test("fails the response if it does not answer in time", async () => {
    await using setup = await startProvider(name, { UPSTREAM_TIMEOUT_MS: "50", UPSTREAM_MAX_RETRIES: "0" });
    setup.provider.setChaos({ latencyMs: 30_000 });
    const { finish } = await readText(setup);
    expect(finish).toMatchObject({
      status: "failed",
      error: { message: expect.stringContaining("UPSTREAM_TIMEOUT_MS") },
    });
  });

  test("leaves one legal log for any failure", async () => {
    await using setup = await startProvider(name);
    setup.provider.setChaos({ dropRate: 0.3, malformedRate: 0.3, disconnectRate: 0.3 });
    for (let run = 0; run < 25; run++) {
      const { events, finish } = await readText(setup);
      // These failures come before the first event, so a response has all of its items or none.
      expect(finish.status).toBe(events.length === 0 ? "failed" : "completed");
    }
  });

  test("leaves one legal log wherever its stream is cut", async () => {
    await using setup = await startProvider(name, { UPSTREAM_MAX_RETRIES: "0" });
    const reasoning = "Six and seven are thirteen.";
    const toolCalls = ["Paris", "Rome"].map(askWeather);
    const logs = [];
    for (const truncateAfterChunks of CUTS) {
      setup.provider.clearFixtures();
      // Without it the break overtakes earlier writes.
      setup.provider.onMessage("text", { content: "13.", reasoning, toolCalls }, { truncateAfterChunks, latency: 5 });
      logs.push(await readText(setup));
    }
    const lengths = logs.map(({ events }) => events.length);
    expect(lengths, "later cuts leave more").toEqual(lengths.toSorted((a, b) => a - b));
    expect(logs[0]!.finish.status).toBe("failed");
    expect(logs.at(-1)!.events.length).toBeGreaterThan(0);
  });

  test("fails the response if it falls silent in mid-stream", async () => {
    await using setup = await startProvider(name, { UPSTREAM_IDLE_TIMEOUT_MS: "100" });
    setup.provider.prependFixture({
      match: { userMessage: "text" },
      response: { content: LONG_TEXT },
      streamingProfile: { ttft: 0, tps: 0.1 },
    });
    const { finish } = await readText(setup);
    expect(finish).toMatchObject({
      status: "failed",
      error: { message: expect.stringContaining("UPSTREAM_IDLE_TIMEOUT_MS") },
    });
  });
});
