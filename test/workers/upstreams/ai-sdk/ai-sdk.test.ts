/** The AI SDK's vendors over real HTTP: what fails and is repeated, what is closed, what is told and what is concealed. */
import { describe, expect, test } from "vitest";
import { textOf } from "../../../conformance/upstream-log.ts";
import {
  answerOf,
  brokenFrames,
  chunk,
  endFrames,
  frames,
  type Kind,
  KINDS,
  openAiSdk,
  openFrames,
  readAiSdk,
  textFrames,
} from "../../../support/ai-sdk.ts";
import { KEY, sampleCall } from "../../../support/openai-responses.ts";
import { type Answer, answerError, neverAnswer, startUpstreamServer } from "../../../support/upstream-server.ts";

const HELLO = ["Hel", "lo"];

describe.each(KINDS)("%s, before its first word,", (kind) => {
  const broken = { "openai-compatible": brokenFrames(), anthropic: brokenFrames(), google: brokenFrames() }[kind];
  const failures: { name: string; answer: Answer }[] = [
    { name: "answers with status 408", answer: answerError(408, { message: "Too slow" }) },
    { name: "answers with status 429", answer: answerError(429, { message: "Too many" }, { "retry-after-ms": "5" }) },
    { name: "answers with status 500", answer: answerError(500, { message: "Oops" }) },
    { name: "answers with status 529", answer: answerError(529, null) },
    { name: "asks for another try", answer: answerError(400, null, { "x-should-retry": "true" }) },
    { name: "closes the connection", answer: (response) => response.destroy() },
    { name: "breaks the stream", answer: broken },
    { name: "ends the stream", answer: frames() },
    { name: "answers a page", answer: (response) => void response.end("<html>Bad gateway</html>") },
    { name: "sends a frame that is no JSON", answer: (response) => void response.end("data: {oops\n\n") },
    { name: "sends a frame of another protocol", answer: frames({ type: "hello", choices: 5, candidates: 7 }) },
  ];

  test.for(failures)("is tried again if it $name", async ({ answer }) => {
    await using server = await startUpstreamServer(answer, answer, answerOf(kind, HELLO));
    const { finish, output } = await readAiSdk(server, kind);
    expect(finish.status).toBe("completed");
    expect(textOf(output[0]!)).toBe("Hello");
    expect(server.requests).toHaveLength(3);
  });

  test("is not tried again if the request is wrong", async () => {
    await using server = await startUpstreamServer(answerError(400, { message: "No", type: "invalid" }));
    const { finish } = await readAiSdk(server, kind);
    expect(finish).toMatchObject({ status: "failed", error: { code: "invalid_prompt" } });
    expect(server.requests).toHaveLength(1);
  });

  test("is given up after UPSTREAM_TIMEOUT_MS", async () => {
    await using server = await startUpstreamServer(neverAnswer);
    const { finish } = await readAiSdk(server, kind, {}, { UPSTREAM_TIMEOUT_MS: "100", UPSTREAM_MAX_RETRIES: "0" });
    const message = "The provider sent nothing for 100 ms (UPSTREAM_TIMEOUT_MS).";
    expect(finish).toMatchObject({ status: "failed", error: { code: "server_error", message } });
    await server.requests[0]!.closed;
  });

  test("leaves no trace of an address that nobody listens at", async () => {
    const server = await startUpstreamServer(neverAnswer);
    await server[Symbol.asyncDispose]();
    const { finish } = await readAiSdk(server, kind);
    const message = "The provider could not be reached (ECONNREFUSED).";
    expect(finish).toMatchObject({ status: "failed", error: { code: "server_error", message } });
  });
});

describe.each(KINDS)("%s, after its first word,", (kind) => {
  test.for([
    { name: "breaks the stream", answer: brokenFrames(...textFrames(kind, HELLO)) },
    { name: "ends the stream", answer: frames(...textFrames(kind, HELLO)) },
    { name: "says no more", answer: openFrames(...textFrames(kind, HELLO)) },
    { name: "sends a frame that is no JSON", answer: withGarbage(kind) },
  ])("is not tried again if it $name", async ({ answer }) => {
    await using server = await startUpstreamServer(answer, answerOf(kind, HELLO));
    const { events, finish } = await readAiSdk(server, kind, {}, { UPSTREAM_IDLE_TIMEOUT_MS: "300" });
    expect(finish).toMatchObject({ status: "failed", error: { code: "server_error", type: "server_error" } });
    expect(events.filter((event) => event.type === "response.output_text.delta")).toHaveLength(2);
    expect(server.requests).toHaveLength(1);
  });

  test("is closed when the run is cancelled, even if nobody reads", async () => {
    await using server = await startUpstreamServer(openFrames(...textFrames(kind, HELLO)));
    const abort = new AbortController();
    const events = openAiSdk(server, kind).run(sampleCall(), abort.signal);
    await events.next();
    const reason = new Error("cancelled");
    abort.abort(reason);
    await server.requests[0]!.closed;
    await expect(readRest(events)).rejects.toBe(reason);
  });

  test("is closed when the reader leaves", async () => {
    await using server = await startUpstreamServer(openFrames(...textFrames(kind, HELLO)));
    const events = openAiSdk(server, kind).run(sampleCall(), new AbortController().signal);
    await events.next();
    await events.return();
    await expect(server.requests[0]!.closed).resolves.toBeDefined();
  });
});

test("Anthropic's pings count as signs of life", async () => {
  const pings = 8;
  await using server = await startUpstreamServer((response) => {
    openFrames(...textFrames("anthropic", HELLO))(response);
    let sent = 0;
    const timer = setInterval(() => {
      sent += 1;
      if (sent <= pings) return openFrame(response, { type: "ping" });
      clearInterval(timer);
      for (const frame of endFrames("anthropic")) openFrame(response, frame);
      response.end();
    }, 100);
    response.on("close", () => clearInterval(timer));
  });
  const { finish } = await readAiSdk(server, "anthropic", {}, { UPSTREAM_IDLE_TIMEOUT_MS: "500" });
  expect(finish.status).toBe("completed");
});

function openFrame(response: Parameters<Answer>[0], frame: object): void {
  response.write(`data: ${JSON.stringify(frame)}\n\n`);
}

function withGarbage(kind: Kind): Answer {
  return (response) => {
    openFrames(...textFrames(kind, HELLO))(response);
    response.end("data: {oops\n\n");
  };
}

describe.each([
  ["openai-compatible", "authorization", `Bearer ${KEY}`],
  ["anthropic", "x-api-key", KEY],
  ["google", "x-goog-api-key", KEY],
] as const)("%s", (kind, header, value) => {
  test("is sent the key and the headers of its entry, and never a key of the environment", async () => {
    await using server = await startUpstreamServer(answerOf(kind, HELLO));
    const signal = new AbortController().signal;
    await readRest(openAiSdk(server, kind, {}, { headers: { "x-tenant": "seven" } }).run(sampleCall(), signal));
    await readRest(openAiSdk(server, kind, {}, { api_key_env: "NOT_SET" }).run(sampleCall(), signal));
    const [first, second] = server.requests;
    expect(first!.headers).toMatchObject({ [header]: value, "x-tenant": "seven" });
    expect([undefined, "none"]).toContain(second!.headers[header]);
  });

  test("that refuses with status 200 is told as its body says", async () => {
    await using server = await startUpstreamServer((response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(
        JSON.stringify({ error: { type: "invalid_request_error", code: 400, message: "Not that", status: "INVALID" } }),
      );
    });
    const { finish } = await readAiSdk(server, kind);
    expect(finish).toMatchObject({ status: "failed", error: { code: "invalid_prompt", message: "Not that" } });
    expect(server.requests).toHaveLength(1);
  });

  test("never has the key or a header of ours in what the client is told", async () => {
    const message = `Header 'tenant-token-1234' does not go with ${KEY}.`;
    const body = { type: "error", error: { type: "invalid_request_error", code: 400, status: "INVALID", message } };
    await using server = await startUpstreamServer((response) => {
      response.writeHead(400, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    });
    const upstream = openAiSdk(server, kind, {}, { headers: { "x-token": "tenant-token-1234" } });
    const events = await Array.fromAsync(upstream.run(sampleCall(), new AbortController().signal));
    expect(events).toMatchObject([{ error: { message: "Header '[redacted]' does not go with [redacted]." } }]);
  });

  test("nor in the reason for which a response waits", async () => {
    const body = { type: "error", error: { type: "rate_limit_error", code: 429, message: `Too much for ${KEY}.` } };
    await using server = await startUpstreamServer((response) => {
      response.writeHead(429, { "content-type": "application/json", "retry-after": "60" });
      response.end(JSON.stringify(body));
    });
    const events = await Array.fromAsync(openAiSdk(server, kind).run(sampleCall(), new AbortController().signal));
    expect(events).toMatchObject([{ status: "postponed", error: { message: "Too much for [redacted]." } }]);
  });
});

describe("a failure that the vendor tells", () => {
  const CASES: [name: string, kind: Kind, answer: Answer, told: object][] = [
    [
      "in a chat completion's stream",
      "openai-compatible",
      frames({ error: { message: "Too long", type: "invalid_request_error", code: 400 } }),
      { code: "invalid_prompt", message: "Too long" },
    ],
    [
      "in a chat completion's stream, without a status",
      "openai-compatible",
      frames({ error: { message: "Broken", type: "engine_error" } }),
      { code: "server_error", message: "Broken", type: "engine_error" },
    ],
    [
      "by an empty account",
      "openai-compatible",
      answerError(429, { message: "Pay first", code: "insufficient_quota" }),
      { code: "insufficient_quota", message: "Pay first" },
    ],
    [
      "by a string",
      "openai-compatible",
      (response) => void response.writeHead(404).end('{"error":"model \'x\' not found"}'),
      { code: "server_error", message: "model 'x' not found" },
    ],
    [
      "first in Anthropic's stream",
      "anthropic",
      frames({ type: "error", error: { type: "invalid_request_error", message: "Too long" } }),
      { code: "invalid_prompt", message: "Too long" },
    ],
    [
      "of its credentials, in Anthropic's stream",
      "anthropic",
      frames({ type: "error", error: { type: "authentication_error", message: `Bad ${KEY}` } }),
      { code: "server_error", message: "The provider rejected this server's credentials." },
    ],
    [
      "of its credentials, as Google does",
      "google",
      answerError(400, {
        code: 400,
        message: "API key not valid.",
        status: "X",
        details: [{ reason: "API_KEY_INVALID" }],
      }),
      { code: "server_error", message: "The provider rejected this server's credentials." },
    ],
    [
      "in Google's stream",
      "google",
      frames({ error: { code: 400, message: "Too long", status: "INVALID_ARGUMENT" } }),
      { code: "invalid_prompt", message: "Too long" },
    ],
  ];

  test.for(CASES)("%s", async ([, kind, answer, told]) => {
    await using server = await startUpstreamServer(answer);
    const { events, finish } = await readAiSdk(server, kind);
    expect(finish).toMatchObject({ status: "failed", error: told });
    expect(events).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  test("after its first word is the response's end", async () => {
    const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    await using server = await startUpstreamServer(frames(...textFrames("anthropic", HELLO), error));
    const { events, finish } = await readAiSdk(server, "anthropic");
    expect(finish).toMatchObject({ status: "failed", error: { code: "server_error", message: "Overloaded" } });
    expect(events.length).toBeGreaterThan(0);
    expect(server.requests).toHaveLength(1);
  });
});

test("Anthropic's events of a kind that is not known yet are passed over, and what is broken is not", async () => {
  const [start, ...rest] = [...textFrames("anthropic", HELLO), ...endFrames("anthropic")];
  await using server = await startUpstreamServer(
    frames(start!, { type: "message_weather", sky: "blue" }, ...rest),
    frames(start!, { type: "content_block_start", index: "first" }, ...rest),
  );
  const { finish, output } = await readAiSdk(server, "anthropic");
  expect(finish.status).toBe("completed");
  expect(output.map(textOf)).toEqual(["Hello"]);
  const broken = await readAiSdk(server, "anthropic", {}, { UPSTREAM_MAX_RETRIES: "0" });
  expect(broken.finish.status).toBe("failed");
});

test.each<[string, readonly string[]]>([
  ["in one piece", ["data: [DONE]\n\n"]],
  [
    "in two, and something after it",
    ["data: [DO", `NE]\r\n\r\ndata: ${JSON.stringify(chunk({ content: "More" }))}\n\n`],
  ],
  ["without a space", ["data:[DONE]\n"]],
])("a chat completion is over when it says so %s, though its server keeps the connection", async (_name, pieces) => {
  const words = ["data: ", "[DONE]", "\n\ndata: [DONE]", "!"];
  await using server = await startUpstreamServer((response) => {
    openFrames(...textFrames("openai-compatible", words), ...endFrames("openai-compatible"))(response);
    let written = Promise.resolve();
    for (const piece of pieces) {
      written = written.then(() => new Promise((resolve) => response.write(piece, () => setImmediate(resolve))));
    }
  });
  const { finish, output } = await readAiSdk(server, "openai-compatible", {}, { UPSTREAM_IDLE_TIMEOUT_MS: "500" });
  expect(finish.status).toBe("completed");
  expect(output.map(textOf)).toEqual([words.join("")]);
  await expect(server.requests[0]!.closed).resolves.toBeDefined();
});

test("has neither a key nor a header of ours in whatever an error of the vendor's is made of", async () => {
  const token = "tenant-token-1234";
  await using server = await startUpstreamServer(frames({ error: { message: KEY, type: `no ${KEY}`, param: token } }));
  const upstream = openAiSdk(server, "openai-compatible", {}, { headers: { "x-token": token } });
  const events = await Array.fromAsync(upstream.run(sampleCall(), new AbortController().signal));
  expect(events).toMatchObject([{ error: { message: "[redacted]", type: "no [redacted]", param: "[redacted]" } }]);
});

test("a chat completion's refusal and logprobs are told as such", async () => {
  const token = (text: string) => ({ token: text, logprob: -0.5, bytes: [65] });
  const logprobs = { content: [{ ...token("Hel"), top_logprobs: [token("Hel"), token("Good")] }] };
  await using server = await startUpstreamServer(
    frames(
      chunk({ role: "assistant", content: "" }),
      chunk({ content: "Hel" }, { logprobs }),
      chunk({ refusal: "I can" }),
      chunk({ refusal: "not." }),
      ...endFrames("openai-compatible"),
    ),
  );
  const request = { model: "m", top_logprobs: 2 };
  const { events, finish, output } = await readAiSdk(server, "openai-compatible", { request });
  expect(server.requests[0]!.body).toMatchObject({ logprobs: true, top_logprobs: 2 });
  expect(finish.status).toBe("completed");
  expect(output).toMatchObject([
    {
      content: [
        { type: "output_text", text: "Hel", logprobs: logprobs.content },
        { type: "refusal", refusal: "I cannot." },
      ],
    },
  ]);
  expect(events.find((event) => event.type === "response.output_text.delta")).toMatchObject({
    logprobs: [{ token: "Hel", logprob: -0.5, top_logprobs: [{ token: "Hel", logprob: -0.5 }, { token: "Good" }] }],
  });
});

async function readRest(events: AsyncIterable<unknown>): Promise<void> {
  for await (const event of events) void event;
}
