/**
 * The tool loop's cost per model turn and per tool call: a worker's run, with its log, journal and lease in Redis,
 * beside the AI SDK's own loop over the same vendor package. The vendor is a server of chat completions that answers at
 * once, and the tool does nothing, so that only the loops' costs remain.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { isStepCount, jsonSchema, streamText, tool } from "ai";
import { readConfig } from "../../src/config/config.ts";
import type { AiSdkProvider } from "../../src/providers/catalog.ts";
import { AttemptControl } from "../../workers/attempt/attempt.ts";
import { AiSdkUpstream } from "../../workers/upstreams/ai-sdk/ai-sdk.ts";
import { COUNTING_TOOL, countingTool } from "../support/counting-tool.ts";
import { createResponse, runOnce } from "../support/tool-runs.ts";
import { besideGiven, type Figure, median } from "./figure.ts";
import { type Bench, nowMs } from "./measurement.ts";
import { type BenchStorage, openBenchStorage } from "./recording.ts";

const REPETITIONS = 15;
/** Turns with calls; one more has the answer. */
const TURNS = 20;
const MANY_CALLS = 4;
const TARGET_MS = 10;

export async function measureLoop(bench: Bench): Promise<Figure[]> {
  await using storage = await openBenchStorage(bench.redisUrl, "loop");
  const samples = { turn: [] as number[], call: [] as number[], bareTurn: [] as number[], bareCall: [] as number[] };
  // The first of each warms up.
  for (let i = 0; i <= REPETITIONS; i += 1) {
    const one = await beside(storage, 1);
    const many = await beside(storage, MANY_CALLS);
    if (i === 0) continue;
    samples.turn.push((one.oursMs - one.bareMs) / (TURNS + 1));
    samples.call.push((many.oursMs - many.bareMs - (one.oursMs - one.bareMs)) / (TURNS * (MANY_CALLS - 1)));
    samples.bareTurn.push(one.bareMs / (TURNS + 1));
    samples.bareCall.push((many.bareMs - one.bareMs) / (TURNS * (MANY_CALLS - 1)));
  }
  const target = { kind: "at-most", value: TARGET_MS } as const;
  const bare = (name: string, values: number[]) => ({
    name: `${name} of the AI SDK's own loop`,
    value: median(values),
  });
  return [
    besideGiven("added to a turn with one call", "ms", samples.turn, bare("a turn", samples.bareTurn), target),
    besideGiven("added to each further call", "ms", samples.call, bare("a call", samples.bareCall), target),
  ];
}

async function beside(storage: BenchStorage, calls: number): Promise<{ oursMs: number; bareMs: number }> {
  await using vendor = await startVendor(calls);
  const bareMs = await timed(() => runBare(vendor.url));
  return { bareMs, oursMs: await timed(() => runOurs(storage, vendor.url)) };
}

async function timed(run: () => Promise<void>): Promise<number> {
  const startedMs = nowMs();
  await run();
  return nowMs() - startedMs;
}

async function runBare(baseURL: string): Promise<void> {
  const model = createOpenAICompatible({ name: "bench", baseURL })("egret");
  const inputSchema = jsonSchema({ type: "object", properties: { x: { type: "integer" } } });
  const look = tool({ description: "Looks", inputSchema, execute: () => "look is done" });
  const result = streamText({ model, prompt: "Go", tools: { look }, stopWhen: isStepCount(TURNS + 1) });
  await result.consumeStream();
  const { length } = await result.steps;
  if (length !== TURNS + 1) throw new Error(`The AI SDK's loop made ${length} turns.`);
}

async function runOurs(storage: BenchStorage, base_url: string): Promise<void> {
  const provider: AiSdkProvider = { name: "bench", kind: "openai-compatible", base_url, headers: {} };
  const { kind, begun } = countingTool();
  const upstream = new AiSdkUpstream(provider, readConfig({}));
  const id = await createResponse(storage, { model: "bench/egret", tools: [COUNTING_TOOL] });
  await runOnce({ storage, kinds: [kind], upstream, maxToolCalls: 1_000 }, id, new AttemptControl());
  if (begun.length % TURNS !== 0 || begun.length === 0) throw new Error(`The run made ${begun.length} calls.`);
}

interface Vendor extends AsyncDisposable {
  url: string;
}

/** Requests `calls` parallel calls in each turn, by the results in the request, and then answers. */
async function startVendor(calls: number): Promise<Vendor> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { messages } = JSON.parse(body) as { messages: { role: string }[] };
      const results = messages.filter(({ role }) => role === "tool").length;
      response.writeHead(200, { "content-type": "text/event-stream" });
      const chunks =
        results < TURNS * calls ? callChunks(calls, results) : [chunk({ content: "Done." }), chunk({}, "stop")];
      response.end([...chunks, "[DONE]"].map((data) => `data: ${data}\n\n`).join(""));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function callChunks(calls: number, first: number): string[] {
  const asked = Array.from({ length: calls }, (_, index) => {
    const call = { index, id: `call_${first + index}`, type: "function" };
    return chunk({ tool_calls: [{ ...call, function: { name: "look", arguments: `{"x":${first + index}}` } }] });
  });
  return [...asked, chunk({}, "tool_calls")];
}

function chunk(delta: object, finish_reason: string | null = null): string {
  const choices = [{ index: 0, delta: { role: "assistant", ...delta }, finish_reason }];
  return JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "egret", choices });
}
