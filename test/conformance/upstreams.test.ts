/** Every upstream there is, under the same suite. The provider is a real HTTP server that plays recorded answers. */
import { LLMock } from "@copilotkit/aimock";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { OpenAiResponsesUpstream } from "../../workers/upstreams/openai-responses.ts";
import { SimulatorUpstream } from "../../workers/upstreams/simulator.ts";
import { readLog } from "./upstream-log.ts";
import { describeUpstream, makeCall, type Scenario, type UpstreamSetup, WEATHER_TOOL } from "./upstream-suite.ts";

const SIMULATOR_METADATA: Partial<Record<Scenario, Record<string, string>>> = {
  failure: { "simulator.error": "server_error" },
  "failure in mid-stream": { "simulator.fail_after": "5" },
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

/** A model that aimock believes can reason. */
const MODEL = "gpt-5.2";
const LONG_TEXT = "All work and no play. ".repeat(1_000);

async function startProvider(settings: NodeJS.ProcessEnv = {}): Promise<UpstreamSetup & { provider: LLMock }> {
  const provider = new LLMock({ port: 0, chunkSize: 8 });
  provider
    .onMessage("reasoning", { content: "Thirteen.", reasoning: "Six and seven are thirteen." })
    .onMessage("function call", { toolCalls: [{ name: WEATHER_TOOL.name, arguments: '{"city":"Paris"}' }] })
    .onMessage("json schema", { content: '{"city":"Paris","population":2100000}' })
    .onMessage("max output tokens", { content: "This text was cut", finishReason: "length" })
    .onMessage("failure in mid-stream", { content: LONG_TEXT }, { truncateAfterChunks: 12, latency: 5 })
    .onMessage("failure", { error: { message: "This model is broken.", type: "server_error" }, status: 500 })
    .onMessage("slow text", { content: LONG_TEXT }, { latency: 25 })
    .onMessage("text", { content: "Hello, how may I help you?", usage: { input_tokens: 3, output_tokens: 7 } });
  await provider.start();
  const base_url = `${provider.url}/v1`;
  const upstream = new OpenAiResponsesUpstream(
    { name: "aimock", kind: "openai-responses", base_url, headers: {} },
    readConfig({ UPSTREAM_MAX_RETRIES: "2", ...settings }),
    { firstBackoffMs: 1 },
  );
  return {
    provider,
    upstream,
    ask: (prompt) => ({ model: MODEL, prompt }),
    [Symbol.asyncDispose]: async () => await provider.stop(),
  };
}

describeUpstream("a Responses API server", startProvider);

async function readText(setup: UpstreamSetup) {
  return await readLog(setup.upstream.run(makeCall(setup, "text"), new AbortController().signal));
}

describe("a Responses API server that misbehaves", () => {
  test.for([
    { name: "answers with status 500", chaos: { dropRate: 1 }, code: "server_error", tries: 3 },
    { name: "answers with malformed JSON", chaos: { malformedRate: 1 }, code: "server_error", tries: 3 },
    { name: "closes the connection", chaos: { disconnectRate: 1 }, code: "server_error", tries: 3 },
  ])("fails the response after the last try if it $name", async ({ chaos, code, tries }) => {
    await using setup = await startProvider();
    setup.provider.setChaos(chaos);
    const { events, finish } = await readText(setup);
    expect(finish).toMatchObject({ status: "failed", error: { code } });
    expect(events).toEqual([]);
    expect(setup.provider.getRequests()).toHaveLength(tries);
  });

  test("reports the rate limit once it has waited as long as it was told", async () => {
    await using setup = await startProvider({ UPSTREAM_MAX_RETRIES: "1" });
    setup.provider.setChaos({ rateLimitRate: 1 });
    const startedAt = performance.now();
    const { finish } = await readText(setup);
    expect(finish).toMatchObject({ status: "failed", error: { code: "rate_limit_exceeded" } });
    expect(performance.now() - startedAt, "aimock says Retry-After: 1").toBeGreaterThan(950);
  });

  test("recovers from one failure", async () => {
    await using setup = await startProvider();
    setup.provider.nextRequestError(503, { message: "Overloaded" });
    const { finish } = await readText(setup);
    expect(finish).toMatchObject({
      status: "completed",
      usage: { input_tokens: 3, output_tokens: 7, total_tokens: 10 },
    });
  });

  test("fails the response if it does not answer in time", async () => {
    await using setup = await startProvider({ UPSTREAM_TIMEOUT_MS: "50", UPSTREAM_MAX_RETRIES: "0" });
    setup.provider.setChaos({ latencyMs: 30_000 });
    const { finish } = await readText(setup);
    expect(finish).toMatchObject({
      status: "failed",
      error: { message: expect.stringContaining("UPSTREAM_TIMEOUT_MS") },
    });
  });

  test("leaves one legal log whatever happens", async () => {
    await using setup = await startProvider();
    setup.provider.setChaos({ dropRate: 0.3, malformedRate: 0.3, disconnectRate: 0.3 });
    for (let run = 0; run < 25; run++) {
      const { events, finish } = await readText(setup);
      // These failures come before the first event, so that a response has all of its items or none.
      expect(finish.status).toBe(events.length === 0 ? "failed" : "completed");
    }
  });
});
