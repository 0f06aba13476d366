/** `include` and encrypted content, as users of the official client meet them. */
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { itemEventSchema } from "../../src/protocol/event.ts";
import { outputItemSchema } from "../../src/protocol/item.ts";
import { includableSchema } from "../../src/protocol/request-options.ts";
import { collect, errorOf } from "../conformance/clients/requests.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { create, pollToEnd, RedisInspector, send } from "../support/api-client.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { subscribe } from "../support/subscriber.ts";
import {
  added,
  completed,
  created,
  done,
  message,
  startUpstreamServer,
  stream,
  streamAndEnd,
  type UpstreamServer,
} from "../support/upstream-server.ts";

expectDescribed();

type Output = OpenAI.Responses.ResponseOutputItem[];
type Input = OpenAI.Responses.ResponseInputItem[];

/** Everything that a provider's web search and code interpreter return, requested or not. */
const HOSTED = [
  {
    type: "file_search_call",
    id: "fs_1",
    status: "completed",
    queries: ["tea"],
    results: [{ attributes: {}, file_id: "file_1", filename: "tea.txt", score: 0.9, text: "Tea is hot." }],
  },
  {
    type: "web_search_call",
    id: "ws_1",
    status: "completed",
    action: { type: "search", query: "tea", sources: [{ type: "url", url: "https://example.test" }] },
    results: [{ url: "https://example.test" }],
  },
  {
    type: "code_interpreter_call",
    id: "ci_1",
    status: "completed",
    code: "print(1)",
    container_id: "cntr_1",
    outputs: [{ type: "logs", logs: "1" }],
  },
  { type: "reasoning", id: "rs_own", summary: [], encrypted_content: "gAAA-of-the-provider" },
  { type: "reasoning", id: "rs_plain", summary: [{ type: "summary_text", text: "Tea, then." }] },
];

const prefix = uniquePrefix();
const quick = { model: "simulator/default", metadata: { "simulator.delay_ms": "0", "simulator.tokens": "3" } };
/** Hidden: the request asks for no summary. */
const THINKS = { ...quick, reasoning: { effort: "low" } } as const;
const SAYS_HELLO: Input = [{ role: "user", content: "Hello" }];
const GOES_ON: Input = [{ role: "user", content: "And then?" }];

let provider: UpstreamServer;
let api: ApiProcess;
let worker: ServerProcess;
let alpha: OpenAI;
let beta: OpenAI;

beforeAll(async () => {
  const items = HOSTED.flatMap((item, index) => [
    added(index, { ...item, status: "in_progress", encrypted_content: undefined }),
    done(index, item),
  ]);
  provider = await startUpstreamServer(
    streamAndEnd(created(), ...items, ...message(HOSTED.length, "msg_1", ["Tea."]), completed()),
  );
  const environment = {
    KEY_PREFIX: prefix,
    API_KEYS: "alpha:key-of-alpha,beta:key-of-beta",
    OPENAI_BASE_URL: provider.url,
  };
  [api, worker] = await Promise.all([startApi(environment), startWorker(environment)]);
  const open = (apiKey: string) => new OpenAI({ baseURL: api.url, apiKey, maxRetries: 0 });
  [alpha, beta] = [open("key-of-alpha"), open("key-of-beta")];
});
afterAll(async () => {
  await Promise.all([api, worker, provider].map((each) => each[Symbol.asyncDispose]()));
});

/** One turn that stores nothing here: the next one knows only the items that the client sends back. */
const think = async (input: Input, client = alpha) =>
  await client.responses.create({ ...THINKS, input, store: false, include: ["reasoning.encrypted_content"] });

function reasoningIn(output: Output): OpenAI.Responses.ResponseReasoningItem {
  const item = output.find((each) => each.type === "reasoning");
  if (item === undefined) throw new Error("There is no reasoning in it.");
  return item;
}

describe("encrypted reasoning", () => {
  test("carries the model's thoughts from one stateless turn to the next", async () => {
    const first = await think(SAYS_HELLO);
    const { encrypted_content: sealed, summary, content } = reasoningIn(first.output);
    expect([summary, content]).toEqual([[], undefined]);
    expect(sealed).toMatch(/^brs1\./);
    const second = await think([...SAYS_HELLO, ...(first.output as Input), ...GOES_ON]);
    const forgotten = (first.output as Input).filter((item) => item.type !== "reasoning");
    const without = await think([...SAYS_HELLO, ...forgotten, ...GOES_ON]);
    // The simulator's tokens are words: it reports that many for its reasoning.
    const thought = first.usage!.output_tokens_details.reasoning_tokens;
    expect(thought).toBeGreaterThan(5);
    expect(second.usage!.input_tokens - without.usage!.input_tokens).toBe(thought);
  });

  test("is present by default, and carries thoughts along chains and conversations", async () => {
    const { id: conversation } = await alpha.conversations.create();
    const first = await alpha.responses.create({ ...THINKS, input: SAYS_HELLO });
    await alpha.responses.create({ ...THINKS, input: SAYS_HELLO, conversation });
    expect(reasoningIn(first.output).encrypted_content).toMatch(/^brs1\./);
    const forgotten = (first.output as Input).filter((item) => item.type !== "reasoning");
    const without = await think([...SAYS_HELLO, ...forgotten, ...GOES_ON]);
    const withThoughts = without.usage!.input_tokens + first.usage!.output_tokens_details.reasoning_tokens;
    const chained = await alpha.responses.create({ ...THINKS, input: GOES_ON, previous_response_id: first.id });
    const continued = await alpha.responses.create({ ...THINKS, input: GOES_ON, conversation });
    expect(chained.usage!.input_tokens).toBe(withThoughts);
    expect(continued.usage!.input_tokens).toBe(withThoughts);
  });

  test("is there when the item is added, and another when it is done", async () => {
    const stream = await alpha.responses.create({ ...THINKS, input: SAYS_HELLO, stream: true });
    const items = (await collect(stream)).flatMap((event) =>
      event.type === "response.output_item.added" || event.type === "response.output_item.done" ? [event.item] : [],
    );
    const texts = items.flatMap((item) => (item.type === "reasoning" ? [item.encrypted_content] : []));
    expect(texts).toEqual([expect.stringMatching(/^brs1\./), expect.stringMatching(/^brs1\./)]);
    expect(texts[0]).not.toBe(texts[1]);
  });

  test("reveals nothing that is hidden in the log", async () => {
    const { id } = await alpha.responses.create({ ...THINKS, input: SAYS_HELLO });
    using inspector = new RedisInspector(prefix);
    expect((await inspector.log(id)).join("\n")).not.toContain("does not think");
  });

  const changed = (item: OpenAI.Responses.ResponseReasoningItem): Input => [
    { ...item, encrypted_content: `${item.encrypted_content!.slice(0, -4)}AAAA` },
  ];

  test("of another project, changed or mistyped is rejected everywhere", async () => {
    const item = reasoningIn((await think(SAYS_HELLO)).output);
    const attempts: [OpenAI, Input, string][] = [
      [beta, [item], item.id],
      [alpha, changed(item), item.id],
      [alpha, [{ type: "compaction", id: "cmp_1", encrypted_content: item.encrypted_content! }], "cmp_1"],
    ];
    for (const [client, items, id] of attempts) {
      const { id: conversation } = await client.conversations.create();
      const rejections = [
        ["input", () => client.responses.create({ ...quick, input: [...SAYS_HELLO, ...items] })],
        ["items", () => client.conversations.create({ items })],
        ["items", () => client.conversations.items.create(conversation, { items })],
      ] as const;
      for (const [param, request] of rejections) {
        const error = await errorOf(request());
        expect(error).toBeInstanceOf(OpenAI.BadRequestError);
        expect(error).toMatchObject({
          param,
          code: "invalid_encrypted_content",
          error: {
            message: `The encrypted content for item ${id} could not be verified.`,
            type: "invalid_request_error",
          },
        });
      }
    }
    const { id: _id, ...nameless } = item;
    const input = [...SAYS_HELLO, ...changed(nameless as typeof item)];
    const error = await errorOf(alpha.responses.create({ ...quick, input }));
    expect(String(error)).toContain("The encrypted content for item input[1] could not be verified.");
  });

  test("from another server is passed through", async () => {
    const input: Input = [{ type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAA" }, ...SAYS_HELLO];
    const response = await alpha.responses.create({ ...quick, input });
    expect(response.status).toBe("completed");
  });

  test("of a provider returns to it unchanged, and this server's never does", async () => {
    const first = await alpha.responses.create({ model: "openai/m", input: SAYS_HELLO, store: false });
    const [theirs, plain] = first.output.filter((item) => item.type === "reasoning");
    expect(theirs!.encrypted_content).toBe("gAAA-of-the-provider");
    expect(plain!.encrypted_content).toMatch(/^brs1\./);
    await alpha.responses.create({ model: "openai/m", input: [...SAYS_HELLO, ...(first.output as Input), ...GOES_ON] });
    const sent = JSON.stringify(provider.requests.at(-1)!.body);
    expect(sent).toContain("gAAA-of-the-provider");
    expect(sent).not.toContain("brs1.");
  });
});

test("sealed by this server reaches no provider after a hand-over either", async () => {
  const [item] = HOSTED.slice(-1);
  const begun = [created(), added(0, { ...item, status: "in_progress", summary: [] }), done(0, item!)];
  await using slow = await startUpstreamServer(
    stream(...begun),
    streamAndEnd(created(), ...message(0, "msg_1", ["Tea."]), completed()),
  );
  const environmentOfSlow = { KEY_PREFIX: uniquePrefix(), OPENAI_BASE_URL: slow.url, DRAIN_GRACE_MS: "0" };
  await using server = await startApi(environmentOfSlow);
  await using first = await startWorker(environmentOfSlow);
  const { id } = await create(server.url, { model: "openai/m", input: "Hello", background: true });
  const { events } = await subscribe(server.url, id, {
    onEvent: ({ type }) => void (type === "response.output_item.done" && first.kill("SIGTERM")),
    cutAfterEvents: 5,
  });
  expect(events.at(-1)!.data).toContain("brs1.");
  await first.exited;
  await using _second = await startWorker(environmentOfSlow);
  const { output } = await pollToEnd(server.url, id);
  expect(output.map(({ type }) => type)).toEqual(["reasoning", "message"]);
  expect(slow.requests).toHaveLength(2);
  expect(JSON.stringify(slow.requests[1]!.body)).not.toContain("brs1.");
});

describe("include", () => {
  const ask = async (include: OpenAI.Responses.ResponseIncludable[]) => {
    const response = await alpha.responses.create({ model: "openai/m", input: SAYS_HELLO, include });
    expect(await alpha.responses.retrieve(response.id, { include })).toMatchObject({ output: response.output });
    return Object.fromEntries(response.output.map((item) => [item.id, item])) as Record<string, object>;
  };

  test("shows the results of a provider's tools", async () => {
    const items = await ask([
      "file_search_call.results",
      "web_search_call.results",
      "web_search_call.action.sources",
      "code_interpreter_call.outputs",
    ]);
    for (const item of HOSTED.slice(0, 3)) expect(items[item.id]).toEqual(item);
  });

  test("hides these results otherwise", async () => {
    const [fileSearch, { results: _, ...webSearch }, interpreter] = HOSTED.slice(0, 3) as [
      object,
      { results: unknown },
      object,
    ];
    const items = await ask([]);
    expect(items["fs_1"]).toEqual({ ...fileSearch, results: null });
    expect(items["ws_1"]).toEqual({ ...webSearch, action: { type: "search", query: "tea" } });
    expect(items["ci_1"]).toEqual({ ...interpreter, outputs: null });
  });

  /** The logprobs of a text of three tokens: of its deltas, of its end, and of the finished message. */
  async function logprobsOf(fields: Partial<OpenAI.Responses.ResponseCreateParamsStreaming>) {
    const events = await collect(
      await alpha.responses.create({ ...quick, input: SAYS_HELLO, ...fields, stream: true }),
    );
    for (const event of events) if ("output_index" in event) itemEventSchema.parse(event);
    const deltas = events.filter((event) => event.type === "response.output_text.delta");
    const textDone = events.find((event) => event.type === "response.output_text.done")!;
    const message = outputItemSchema.parse(
      events.find((event) => event.type === "response.completed")!.response.output[0],
    );
    const [part] = message.type === "message" ? message.content : [];
    return { deltas, textDone, ofText: part?.type === "output_text" ? part.logprobs! : [] };
  }

  test.each([undefined, 3, 20])("shows logprobs with the requested number of alternatives: %s", async (count) => {
    const top_logprobs = count === undefined ? {} : { top_logprobs: count };
    const include = ["message.output_text.logprobs" as const];
    const { deltas, textDone, ofText } = await logprobsOf({ include, ...top_logprobs });
    expect(ofText).toHaveLength(3);
    expect(deltas.flatMap((delta) => delta.logprobs)).toEqual(textDone.logprobs);
    expect(textDone.logprobs.map(({ token, logprob }) => [token, logprob])).toEqual(
      ofText.map(({ token, logprob }) => [token, logprob]),
    );
    expect(ofText.map(({ token }) => token)).toEqual(deltas.map(({ delta }) => delta));
    for (const { token, bytes, logprob, top_logprobs: top } of ofText) {
      expect(Buffer.from(bytes).toString()).toBe(token);
      expect(logprob).toBeLessThan(0);
      expect(top).toHaveLength(count ?? 0);
      expect(new Set(top.map((each) => each.token)).size).toBe(top.length);
      expect(top).toEqual(top.toSorted((a, b) => b.logprob - a.logprob));
      expect(top.reduce((sum, each) => sum + Math.exp(each.logprob), 0)).toBeLessThanOrEqual(1);
      const said = { token, bytes, logprob };
      expect(top.filter((each) => each.token === token)).toEqual(top.length > 0 ? [said] : []);
    }
  });

  test("shows no logprobs for top_logprobs alone", async () => {
    const { deltas, textDone, ofText } = await logprobsOf({ top_logprobs: 3 });
    expect(deltas.map((delta) => delta.logprobs)).toEqual([[], [], []]);
    expect([textDone.logprobs, ofText]).toEqual([[], []]);
  });

  test("is rejected by the simulator for too many logprobs", async () => {
    const metadata = { "simulator.tokens": "100000", "simulator.delay_ms": "0" };
    const request = { ...quick, metadata, input: "Hello", top_logprobs: 20 };
    const response = await alpha.responses.create({ ...request, include: ["message.output_text.logprobs"] });
    expect(response).toMatchObject({ status: "failed", error: { code: "invalid_prompt" } });
  });
});

describe("a listing", () => {
  const image_url = "data:image/png;base64,AAAA";
  const items: Input = [
    {
      type: "message",
      role: "user",
      content: [
        { type: "input_image", image_url, detail: "low" },
        { type: "input_text", text: "What is this?" },
      ],
    },
    { type: "computer_call_output", call_id: "call_1", output: { type: "computer_screenshot", image_url } },
  ];
  const include: OpenAI.Responses.ResponseIncludable[] = [
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
  ];
  const count = (value: unknown) => JSON.stringify(value).split(image_url).length - 1;

  test("of input items shows included image URLs, each kind by its value", async () => {
    const { id } = await alpha.responses.create({ ...quick, input: items });
    expect(count(await collect(alpha.responses.inputItems.list(id)))).toBe(0);
    for (const each of include) {
      expect(count(await collect(alpha.responses.inputItems.list(id, { include: [each] })))).toBe(1);
    }
    expect(count(await collect(alpha.responses.inputItems.list(id, { include })))).toBe(2);
  });

  test("of a conversation's items, and a single item, do so too", async () => {
    const { id: conversation_id } = await alpha.conversations.create();
    expect(count(await alpha.conversations.items.create(conversation_id, { items }))).toBe(0);
    expect(count(await alpha.conversations.items.create(conversation_id, { items, include }))).toBe(2);
    expect(count(await collect(alpha.conversations.items.list(conversation_id)))).toBe(0);
    const listed = await collect(alpha.conversations.items.list(conversation_id, { include }));
    expect(count(listed)).toBe(4);
    for (const { id } of listed as { id: string }[]) {
      expect(count(await alpha.conversations.items.retrieve(id, { conversation_id }))).toBe(0);
      expect(count(await alpha.conversations.items.retrieve(id, { conversation_id, include }))).toBe(1);
    }
  });

  test("shows encrypted reasoning if it is included", async () => {
    const { id: conversation } = await alpha.conversations.create();
    await alpha.responses.create({ ...THINKS, input: SAYS_HELLO, conversation });
    const list = async (query: OpenAI.Conversations.ItemListParams) =>
      JSON.stringify(await collect(alpha.conversations.items.list(conversation, query)));
    expect(await list({})).not.toContain("encrypted_content");
    expect(await list({ include: ["reasoning.encrypted_content"] })).toContain("brs1.");
  });
});

describe("every GET that accepts include", () => {
  const ALPHA = { authorization: "Bearer key-of-alpha" };
  let paths: string[];
  beforeAll(async () => {
    const { id } = await alpha.responses.create({ ...quick, input: SAYS_HELLO });
    const conversation = await alpha.conversations.create({ items: SAYS_HELLO });
    const [item] = await collect(alpha.conversations.items.list(conversation.id));
    paths = [
      `/responses/${id}?`,
      `/responses/${id}?stream=true&`,
      `/responses/${id}/input_items?`,
      `/conversations/${conversation.id}/items?`,
      `/conversations/${conversation.id}/items/${(item as { id: string }).id}?`,
    ];
  });
  const get = async (path: string, query: string) => {
    const response = await fetch(`${api.url}${path}${query}`, { headers: ALPHA });
    return { status: response.status, text: await response.text() };
  };

  test.each([
    "include=",
    "include[]=file_search_call.results&include[]=web_search_call.results",
    "include%5B%5D=reasoning.encrypted_content",
    "include=code_interpreter_call.outputs",
    "include=code_interpreter_call.outputs&include=file_search_call.results",
    includableSchema.options.map((value) => `include[]=${value}`).join("&"),
  ])("accepts %s", async (query) => {
    for (const path of paths) expect(await get(path, query)).toMatchObject({ status: 200 });
  });

  test.each([
    ["include[]=nonsense", "include[0]", "Invalid value: 'nonsense'."],
    ["include=nonsense", "include[0]", "Invalid value: 'nonsense'."],
    ["include[]=file_search_call.results&include[]=x", "include[1]", "Invalid value: 'x'."],
    ["include[a]=b", "include", "Invalid type for 'include'"],
  ])("rejects %s", async (query, param, message) => {
    for (const path of paths) {
      const answer = await send<object>("GET", `${api.url}${path}${query}`, undefined, ALPHA);
      expect(answer).toMatchObject({
        status: 400,
        body: { error: { param, type: "invalid_request_error", message: expect.stringContaining(message) } },
      });
    }
  });
});
