/** An unfinished message that its vendor continues: what the vendor is sent, what is yielded, and when it is not tried. */
import { type Logger, pino } from "pino";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import {
  type AiSdkProvider,
  type ContinuationMode,
  ProviderCatalog,
  readProviderCatalog,
} from "../../../../src/providers/catalog.ts";
import type { UpstreamCall, UpstreamEvent } from "../../../../workers/upstreams/upstream.ts";
import { Upstreams } from "../../../../workers/upstreams/registry.ts";
import { readLog, textOf } from "../../../conformance/upstream-log.ts";
import { WEATHER_TOOL } from "../../../conformance/upstream-suite.ts";
import {
  answerOf,
  chunk,
  endFrames,
  frames,
  type Kind,
  MODELS,
  openAiSdk,
  openFrames,
  textFrames,
} from "../../../support/ai-sdk.ts";
import { sampleCall } from "../../../support/openai-responses.ts";
import { type PrefixVendorSettings, startPrefixVendor, VENDOR_TEXT } from "../../../support/prefix-vendor.ts";
import { type Answer, answerError, startUpstreamServer } from "../../../support/upstream-server.ts";

const PREFIX = "The quick brown fox jumps";
const REST = [" over", " the lazy dog."];
const WHOLE = PREFIX + REST.join("");

type Message = Extract<OutputItem, { type: "message" }>;

function unfinished(...texts: readonly string[]): Message {
  const content = texts.map((text) => ({ type: "output_text" as const, text, annotations: [], logprobs: [] }));
  return { type: "message", id: "msg_1", role: "assistant", status: "in_progress", content };
}

interface Play {
  kind?: Kind;
  call?: Partial<UpstreamCall>;
  provider?: Partial<AiSdkProvider>;
  settings?: NodeJS.ProcessEnv;
}

/** A vendor that plays the answers is asked to continue PREFIX. */
async function read(
  answers: [Answer, ...Answer[]],
  { kind = "openai-compatible", call, provider = { continuation: "assistant_message" }, settings }: Play = {},
) {
  await using server = await startUpstreamServer(...answers);
  const { logger, logged } = memoryLogger();
  const upstream = openAiSdk(server, kind, settings, provider, logger);
  const asked = sampleCall({ model: MODELS[kind], unfinishedItem: unfinished(PREFIX), ...call });
  const log = await readLog(upstream.run(asked, new AbortController().signal));
  const bodies = server.requests.map(({ body }) => body as { messages: unknown[]; [field: string]: unknown });
  return { ...log, texts: log.output.map(textOf), deltas: deltasOf(log.events), logged, bodies };
}

function memoryLogger(): { logger: Logger; logged: Record<string, unknown>[] } {
  const logged: Record<string, unknown>[] = [];
  return { logger: pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) }), logged };
}

function deltasOf(events: readonly UpstreamEvent[]): string[] {
  return events.flatMap((event) => (event.type === "response.output_text.delta" ? [event.delta] : []));
}

const continued = (kind: Kind = "openai-compatible") => answerOf(kind, REST);
const USER = { role: "user", content: "Hello" };

describe("a chat completions server that continues texts", () => {
  const COMMON = { model: "qwen3", stream: true, stream_options: { include_usage: true } };

  test.each<[ContinuationMode, body: object, message: object]>([
    ["continue_final_message", { continue_final_message: true, add_generation_prompt: false }, {}],
    ["prefix", {}, { prefix: true }],
    ["assistant_message", {}, {}],
  ])("is sent the text as its last message: %s", async (continuation, body, message) => {
    const { bodies } = await read([continued()], { provider: { continuation } });
    const messages = [USER, { role: "assistant", content: PREFIX, ...message }];
    expect(bodies).toEqual([{ ...COMMON, ...body, messages }]);
  });

  test("is sent it in one message with the thoughts of the same turn", async () => {
    const thought = { type: "reasoning_text" as const, text: "A pangram." };
    const completedItems: OutputItem[] = [{ type: "reasoning", id: "rs_1", summary: [], content: [thought] }];
    const { bodies } = await read([continued()], { call: { completedItems }, provider: { continuation: "prefix" } });
    const last = { role: "assistant", content: PREFIX, reasoning_content: "A pangram.", prefix: true };
    expect(bodies[0]!.messages).toEqual([USER, last]);
  });

  test("makes a message that has the prefix as its first delta", async () => {
    const { events, finish } = await read([continued()]);
    const part = (text: string) => ({ type: "output_text", text, annotations: [], logprobs: [] });
    expect(events.map(({ type }) => type)).toEqual([
      "response.output_item.added",
      "response.content_part.added",
      ...[PREFIX, ...REST].map(() => "response.output_text.delta"),
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
    ]);
    expect(events[2]).toMatchObject({ delta: PREFIX, logprobs: [] });
    expect(events.at(-1)).toMatchObject({ item: { status: "completed", content: [part(WHOLE)] } });
    expect(finish.status).toBe("completed");
  });

  test("has logprobs for what it wrote, and none for the prefix", async () => {
    const token = { token: " over", logprob: -0.5, bytes: [], top_logprobs: [] };
    const [first, second] = REST;
    const { events, output } = await read([
      frames(
        chunk({ role: "assistant", content: "" }),
        chunk({ content: first }, { logprobs: { content: [token] } }),
        chunk({ content: second }),
        ...endFrames("openai-compatible"),
      ),
    ]);
    const deltas = events.filter((event) => event.type === "response.output_text.delta");
    expect(deltas.map(({ logprobs }) => logprobs.length)).toEqual([0, 1, 0]);
    expect(output).toMatchObject([{ content: [{ text: WHOLE, logprobs: [token] }] }]);
  });

  test("may refuse, or call a function, in the middle of its text", async () => {
    const refusal = await read([frames(chunk({ refusal: "I cannot." }), ...endFrames("openai-compatible"))]);
    expect(refusal.output).toMatchObject([{ content: [{ text: PREFIX }, { refusal: "I cannot." }] }]);
    const tool_calls = [
      { index: 0, id: "call_1", type: "function", function: { name: "get_weather", arguments: "{}" } },
    ];
    const call = await read([frames(chunk({ tool_calls }), chunk({}, { finish_reason: "tool_calls" }))], {
      call: { request: { model: "m", tools: [WEATHER_TOOL] } },
    });
    expect(call.output).toMatchObject([
      { type: "message", status: "completed", content: [{ text: PREFIX }] },
      { type: "function_call", call_id: "call_1" },
    ]);
  });

  test("shows a call while it is written", async () => {
    const call = { index: 0, id: "call_1", type: "function", function: { name: "get_weather", arguments: '{"ci' } };
    const { events } = await read([openFrames(chunk({ tool_calls: [call] }))], {
      call: { request: { model: "m", tools: [WEATHER_TOOL] } },
      settings: { UPSTREAM_IDLE_TIMEOUT_MS: "300", UPSTREAM_MAX_RETRIES: "0" },
    });
    expect(events.at(-1)).toMatchObject({ type: "response.function_call_arguments.delta", delta: '{"ci' });
  });

  test("that reaches max_output_tokens leaves the message incomplete", async () => {
    const [first] = REST;
    const { finish, output } = await read([
      frames(...textFrames("openai-compatible", [first!]), chunk({}, { finish_reason: "length" })),
    ]);
    expect(finish).toMatchObject({ status: "incomplete", details: { reason: "max_output_tokens" } });
    expect(output).toMatchObject([{ status: "incomplete", content: [{ text: PREFIX + first }] }]);
  });

  test("is tried again with the prefix before its first word, and not after it", async () => {
    const { finish, texts, bodies } = await read([answerError(503, null, { "retry-after-ms": "1" }), continued()]);
    expect(finish.status).toBe("completed");
    expect(texts).toEqual([WHOLE]);
    expect(bodies[1]).toEqual(bodies[0]);
    const broken = await read([frames(...textFrames("openai-compatible", REST)), continued()]);
    expect(broken.finish.status).toBe("failed");
    expect(broken.deltas).toEqual([PREFIX, ...REST]);
    expect(broken.bodies).toHaveLength(1);
  });

  test("is given what the prefix leaves of max_output_tokens, and 1 at least", async () => {
    const call = (max_output_tokens: number) => ({ request: { model: "m", max_output_tokens } });
    const { bodies } = await read([continued()], { call: call(100) });
    expect(bodies[0], "five words, five tokens").toMatchObject({ max_tokens: 95 });
    const spent = await read([continued()], { call: call(4) });
    expect(spent.bodies[0]).toMatchObject({ max_tokens: 1 });
    const whole = await read([answerError(400, null), answerOf("openai-compatible", ["Hi"])], { call: call(100) });
    expect(
      whole.bodies.map((body) => body["max_tokens"]),
      "the whole answer has all of it",
    ).toEqual([95, 100]);
  });
});

describe("Anthropic", () => {
  const kind = "anthropic";

  test("is sent the text without the whitespace at its end, which is not yielded before the model writes it", async () => {
    const call = { unfinishedItem: unfinished(`${PREFIX} \n`) };
    const { bodies, deltas, texts } = await read([continued(kind)], { kind, call });
    expect(bodies[0]!.messages).toEqual([
      { role: "user", content: [{ type: "text", text: "Hello" }] },
      { role: "assistant", content: [{ type: "text", text: PREFIX }] },
    ]);
    expect(deltas).toEqual([PREFIX, ...REST]);
    expect(texts).toEqual([WHOLE]);
  });

  test("keeps the places of citations behind the prefix", async () => {
    const citation = {
      type: "web_search_result_location",
      url: "http://a",
      title: "A",
      cited_text: "x",
      encrypted_index: "",
    };
    const [start, open, ...words] = textFrames(kind, REST);
    const cite = { type: "content_block_delta", index: 0, delta: { type: "citations_delta", citation } };
    const { finish, output } = await read([frames(start!, open!, cite, ...words, ...endFrames(kind))], { kind });
    expect(finish.status).toBe("completed");
    const annotation = { type: "url_citation", url: "http://a", start_index: PREFIX.length, end_index: WHOLE.length };
    const whole = { ...annotation, start_index: 0 };
    expect(output).toMatchObject([{ content: [{ text: WHOLE, annotations: [annotation, whole] }] }]);
  });

  test("is asked for the whole answer when it is to think", async () => {
    const request = { model: "m", reasoning: { effort: "low" as const } };
    const { bodies } = await read([answerOf(kind, ["Hi"])], { kind, call: { request } });
    expect(bodies[0]!.messages).toHaveLength(1);
    const none = { model: "m", reasoning: { effort: "none" as const } };
    const { texts } = await read([continued(kind)], { kind, call: { request: none } });
    expect(texts).toEqual([WHOLE]);
  });
});

describe("the whole answer is asked for", () => {
  const text = (format: object) => ({ request: { model: "m", text: { format } } }) as Partial<UpstreamCall>;
  const choice = (tool_choice: unknown) =>
    ({ request: { model: "m", tools: [WEATHER_TOOL], tool_choice } }) as Partial<UpstreamCall>;
  const repeating = "All work and no play makes Jack a dull boy of sixty-four letters.\n";

  test.each<[string, Play]>([
    ["of a vendor that is not said to continue", { provider: {} }],
    ["of one that is said not to", { provider: { continuation: "none" } }],
    ["of Google", { kind: "google" }],
    ["where nothing is unfinished", { call: { unfinishedItem: undefined } }],
    ["for a message that has not begun", { call: { unfinishedItem: unfinished() } }],
    ["for a message of whitespace", { call: { unfinishedItem: unfinished(" ".repeat(40)) } }],
    ["for fewer than 16 letters", { call: { unfinishedItem: unfinished("The quick brown") } }],
    ["for a text that repeats its beginning", { call: { unfinishedItem: unfinished(repeating.repeat(2)) } }],
    ["for a text that is one letter", { call: { unfinishedItem: unfinished("a".repeat(40)) } }],
    ["for a second part", { call: { unfinishedItem: unfinished(PREFIX, PREFIX) } }],
    [
      "for a refusal",
      { call: { unfinishedItem: { ...unfinished(), content: [{ type: "refusal", refusal: PREFIX }] } } },
    ],
    [
      "for reasoning",
      {
        call: {
          unfinishedItem: {
            type: "reasoning",
            id: "rs_1",
            summary: [],
            content: [{ type: "reasoning_text", text: PREFIX }],
          },
        },
      },
    ],
    ["for JSON", { call: text({ type: "json_object" }) }],
    ["for a schema", { call: text({ type: "json_schema", name: "a", schema: { type: "object" } }) }],
    ["where a call is required", { call: choice("required") }],
    ["where a function is chosen", { call: choice({ type: "function", name: WEATHER_TOOL.name }) }],
    [
      "where one of several is required",
      { call: choice({ type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "get_weather" }] }) },
    ],
  ])("%s", async (_name, play) => {
    const { finish, texts, bodies } = await read([answerOf(play.kind ?? "openai-compatible", ["Hi"])], play);
    expect(finish.status).toBe("completed");
    expect(texts).toEqual(["Hi"]);
    expect(JSON.stringify(bodies)).not.toContain("quick");
    expect(bodies).toHaveLength(1);
  });

  test.each<[string, Partial<UpstreamCall>]>([
    ["a text format", text({ type: "text" })],
    ["a free choice", choice("auto")],
    [
      "allowed tools",
      choice({ type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "get_weather" }] }),
    ],
  ])("and not for %s", async (_name, call) => {
    const { texts } = await read([continued()], { call });
    expect(texts).toEqual([WHOLE]);
  });

  test("of one model, if it alone is said to differ", async () => {
    const models = [{ name: "qwen3", continuation: "none" as const }, "phi"];
    const provider = { models, continuation: "prefix" as const };
    const first = await read([answerOf("openai-compatible", ["Hi"])], { provider });
    expect(first.texts).toEqual(["Hi"]);
    const second = await read([continued()], { provider, call: { model: "phi" } });
    expect(second.texts).toEqual([WHOLE]);
  });
});

describe("a call with a prefix is made once more without it", () => {
  const kind = "openai-compatible";
  const thinking = (...words: readonly string[]) => words.map((word) => chunk({ reasoning_content: word }));

  test.each<[string, Answer, reason: string]>([
    ["when the vendor answers with status 400", answerError(400, { message: "No prefill" }), "No prefill"],
    ["when the vendor answers with status 422", answerError(422, { message: "No prefill" }), "No prefill"],
    [
      "when the vendor refuses in its stream",
      frames({ error: { message: "No prefill", type: "invalid_request_error" } }),
      "No prefill",
    ],
    [
      "when the model thinks first",
      frames(...thinking("Well", "…"), ...textFrames(kind, REST), ...endFrames(kind)),
      "The model reasoned before continuing.",
    ],
    ["when the model writes nothing", frames(...endFrames(kind)), "The model wrote nothing."],
  ])("%s", async (_name, first, reason) => {
    const whole = frames(...thinking("Hm."), ...textFrames(kind, [WHOLE]), ...endFrames(kind));
    const { finish, texts, bodies, logged } = await read([first, whole]);
    expect(finish.status).toBe("completed");
    expect(texts).toEqual(["Hm.", WHOLE]);
    expect(bodies.map(({ messages }) => messages.length)).toEqual([2, 1]);
    const msg = "Unfinished text not continued, asking for the whole answer";
    expect(logged).toMatchObject([{ msg, model: "qwen3", reason: { message: reason } }]);
  });

  test("when Anthropic's model thinks in secret", async () => {
    const [start, ...words] = [...textFrames("anthropic", [WHOLE]), ...endFrames("anthropic")];
    const secret = [
      { type: "content_block_start", index: 0, content_block: { type: "redacted_thinking", data: "c2VjcmV0" } },
      { type: "content_block_stop", index: 0 },
    ];
    const { texts, bodies } = await read([frames(start!, ...secret, ...words), answerOf("anthropic", [WHOLE])], {
      kind: "anthropic",
    });
    expect(texts).toEqual([WHOLE]);
    expect(bodies.map(({ messages }) => messages.length)).toEqual([2, 1]);
  });

  test("and its failure is the call's", async () => {
    const { events, finish, bodies } = await read([answerError(400, { message: "No" })]);
    expect(events).toEqual([]);
    expect(finish).toMatchObject({ status: "failed", error: { code: "invalid_prompt", message: "No" } });
    expect(bodies).toHaveLength(2);
  });

  test.each<[string, Answer, status: string]>([
    ["a refused key", answerError(401, null), "failed"],
    ["a model that is not there", answerError(404, null), "failed"],
    ["a rate limit", answerError(429, null, { "retry-after": "60" }), "postponed"],
  ])("but not for %s", async (_name, answer, status) => {
    const { finish, bodies } = await read([answer]);
    expect(finish.status).toBe(status);
    expect(bodies).toHaveLength(1);
  });
});

describe("an answer that begins with the prefix", () => {
  const long = "A text whose beginning is longer than what is compared, so that the answer is known before its end.";

  test.each<[string, prefix: string, words: readonly string[]]>([
    ["in one piece", PREFIX, [WHOLE]],
    ["letter by letter", PREFIX, WHOLE.split("")],
    ["and goes another way behind it", PREFIX, [PREFIX, " high."]],
    ["and goes another way behind 64 letters", long, [long.slice(0, 70), " high."]],
  ])("is the whole: %s", async (_name, prefix, words) => {
    const { texts, deltas } = await read([answerOf("openai-compatible", words)], {
      call: { unfinishedItem: unfinished(prefix) },
    });
    expect(texts).toEqual([words.join("")]);
    expect(deltas).toEqual(words);
  });

  test.each<[string, words: readonly string[]]>([
    ["another word", ["The quick", " end."]],
    ["its own end", ["The", " quick"]],
    ["whitespace", [` ${PREFIX}`, "."]],
  ])("but differs by %s is its continuation", async (_name, words) => {
    const { texts, deltas } = await read([answerOf("openai-compatible", words)]);
    expect(texts).toEqual([PREFIX + words.join("")]);
    expect(deltas).toEqual([PREFIX, ...words]);
  });
});

test.each<Kind>(["openai-compatible", "anthropic"])("%s may send any number of empty words before", async (kind) => {
  const empty = Array.from({ length: 1_500 }, () => "");
  const rest = await read([answerOf(kind, [...empty, ...REST])], { kind });
  expect(rest.texts).toEqual([WHOLE]);
  const whole = await read([answerOf(kind, ["The", ...empty, " quick brown fox jumps", " high."])], { kind });
  expect(whole.texts).toEqual([`${PREFIX} high.`]);
});

describe("a vendor of the providers file whose answer is cut off", () => {
  async function resume(settings: PrefixVendorSettings, fields: Partial<UpstreamCall["request"]> = {}) {
    await using vendor = await startPrefixVendor({ firstCallWords: 40, ...settings });
    const { logger } = memoryLogger();
    const config = readConfig({ PROVIDERS_FILE: vendor.providersFile });
    const { upstream, resolved } = new Upstreams(readProviderCatalog(config), config, logger).find(vendor.model)!;
    const call = sampleCall({ model: resolved.model, request: { model: vendor.model, ...fields } });
    const { signal } = new AbortController();
    let written = "";
    for await (const event of upstream.run(call, signal)) {
      if (event.type === "response.output_text.delta") written += event.delta;
      if (written.split(" ").length === 40) break;
    }
    const log = await readLog(upstream.run({ ...call, unfinishedItem: unfinished(written) }, signal));
    return { ...log, written, deltas: deltasOf(log.events), bodies: vendor.bodies };
  }

  test.each<ContinuationMode>(["continue_final_message", "prefix", "assistant_message"])(
    "writes the rest of it: %s",
    async (continuation) => {
      const { output, finish, written, deltas, bodies } = await resume({ continuation });
      expect(output.map(textOf)).toEqual([VENDOR_TEXT]);
      expect(deltas[0]).toBe(written);
      expect(deltas.length).toBeGreaterThan(100);
      expect(bodies[1]!.messages.at(-1)).toMatchObject({ role: "assistant", content: written });
      const words = VENDOR_TEXT.split(/\s+/).length;
      const usage = { input_tokens: 43, output_tokens: words - 40 };
      expect(finish, "the vendor counts the prefix as input").toMatchObject({ status: "completed", usage });
    },
  );

  test.each<[string, PrefixVendorSettings]>([
    ["is not said to continue", {}],
    ["does not do what it is said to", { continuation: "prefix", obeys: false }],
  ])("and that %s writes all of it", async (_name, settings) => {
    const { output, deltas, bodies } = await resume(settings);
    expect(output.map(textOf)).toEqual([VENDOR_TEXT]);
    expect(deltas[0]).toBe("Sentence");
    expect(bodies).toHaveLength(2);
  });
});

test("a fallback continues in its own way", async () => {
  await using a = await startUpstreamServer(answerError(404, null));
  await using b = await startUpstreamServer(continued());
  const { logger } = memoryLogger();
  const entry = { kind: "openai-compatible" as const, headers: {} };
  const providers = [
    { ...entry, name: "a", base_url: a.url, continuation: "continue_final_message" as const, fallbacks: ["b/m2"] },
    { ...entry, name: "b", base_url: b.url, continuation: "prefix" as const },
  ];
  const upstreams = new Upstreams(new ProviderCatalog(providers), readConfig({}), logger);
  const call = sampleCall({ model: "m1", unfinishedItem: unfinished(PREFIX) });
  const { output } = await readLog(upstreams.find("a/m1")!.upstream.run(call, new AbortController().signal));
  expect(output.map(textOf)).toEqual([WHOLE]);
  expect(a.requests[0]!.body).toMatchObject({ continue_final_message: true });
  expect(b.requests[0]!.body).toMatchObject({ messages: [USER, { content: PREFIX, prefix: true }] });
  expect(b.requests[0]!.body).not.toHaveProperty("continue_final_message");
});

test("a cancelled call rejects with the reason while the prefix is counted, and sends nothing", async () => {
  await using server = await startUpstreamServer(continued());
  const reason = new Error("cancelled");
  const call = sampleCall({ unfinishedItem: unfinished(PREFIX), request: { model: "m", max_output_tokens: 100 } });
  const upstream = openAiSdk(server, "openai-compatible", {}, { continuation: "prefix" });
  await expect(upstream.run(call, AbortSignal.abort(reason)).next()).rejects.toBe(reason);
  expect(server.requests).toEqual([]);
});
