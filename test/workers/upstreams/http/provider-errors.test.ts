/** Refusals that mean something else than their status: samples that failed, and requests that no wait makes fit. */
import { describe, expect, test } from "vitest";
import { frames, type Kind, chunk, answerOf, readAiSdk } from "../../../support/ai-sdk.ts";
import { readUpstream } from "../../../support/openai-responses.ts";
import { textOf } from "../../../conformance/upstream-log.ts";
import {
  type Answer,
  completed,
  created,
  message,
  answerError,
  startUpstreamServer,
  streamAndEnd,
} from "../../../support/upstream-server.ts";

const ANSWER = streamAndEnd(created(), ...message(0, "msg_1", ["Hello"]), completed());

const GROQ = {
  message: "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
  type: "invalid_request_error",
  code: "tool_use_failed",
  failed_generation: "<function=look{}",
};

describe("a sample that failed is tried again", () => {
  const refusals: [string, Answer][] = [
    ["Groq's tool_use_failed", answerError(400, GROQ)],
    ["the same without a code", answerError(400, { ...GROQ, code: undefined, failed_generation: undefined })],
    [
      "Groq's json_validate_failed",
      answerError(400, { message: "Failed to generate JSON.", code: "json_validate_failed" }),
    ],
    [
      "an unknown tool at Groq",
      answerError(400, { message: "tool call validation failed: attempted to call tool 'x'" }),
    ],
    ["Ollama's parser", answerError(400, "error parsing tool call: raw='{', err=unexpected end of JSON input")],
    ["Ollama's parser, with status 500", answerError(500, { message: "error parsing tool call: raw='{'" })],
  ];

  test.each(refusals)("%s", async (_name, answer) => {
    await using server = await startUpstreamServer(answer, answer, ANSWER);
    const { finish, output } = await readUpstream(server);
    expect([finish.status, output.map(textOf)]).toEqual(["completed", ["Hello"]]);
    await using chat = await startUpstreamServer(answer, answer, answerOf("openai-compatible", ["Hello"]));
    const log = await readAiSdk(chat, "openai-compatible");
    expect([log.finish.status, log.output.map(textOf)]).toEqual(["completed", ["Hello"]]);
  });

  test("if it is told in the stream, too", async () => {
    const told = [streamAndEnd(created(), { type: "error", error: GROQ }), frames({ error: GROQ })] as const;
    await using server = await startUpstreamServer(told[0], ANSWER);
    expect((await readUpstream(server)).finish.status).toBe("completed");
    await using chat = await startUpstreamServer(told[1], answerOf("openai-compatible", ["Hello"]));
    expect((await readAiSdk(chat, "openai-compatible")).finish.status).toBe("completed");
  });

  test.each(["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"])("Gemini's %s", async (finishReason) => {
    await using server = await startUpstreamServer(
      frames({ candidates: [{ content: {}, finishReason }] }),
      answerOf("google", ["Hello"]),
    );
    const { finish, output } = await readAiSdk(server, "google");
    expect([finish.status, output.map(textOf)]).toEqual(["completed", ["Hello"]]);
  });

  test("a bounded number of times; then the model has failed, not the request", async () => {
    await using server = await startUpstreamServer(answerError(400, GROQ));
    const { finish } = await readUpstream(server);
    expect(finish).toMatchObject({ status: "failed", error: { code: "server_error", message: GROQ.message } });
    expect(server.requests).toHaveLength(3);
  });

  test("by the run if there was output before it", async () => {
    const thought = chunk({ reasoning_content: "I look." });
    await using server = await startUpstreamServer(frames(thought, { error: GROQ }));
    const { finish } = await readAiSdk(server, "openai-compatible");
    expect(finish).toMatchObject({ status: "failed", isUnreadableOutput: true });
  });
});

describe("what no wait makes fit fails at once", () => {
  const words = (limit: string, requested: string) =>
    `Request too large for gpt-4.1 in organization org-1 on tokens per min (TPM): Limit ${limit}, Requested ${requested}.`;

  test.each<[status: number, message: string, code: string]>([
    [429, words("30000", "37313"), "rate_limit_exceeded"],
    [429, words("30,000", "37,313"), "rate_limit_exceeded"],
    [413, words("8000", "34041"), "rate_limit_exceeded"],
    [413, "Request exceeds the maximum size", "invalid_prompt"],
    [400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", "invalid_prompt"],
  ])("%i: %s", async (status, message, code) => {
    const error = { message, type: "tokens", code: status === 429 ? "rate_limit_exceeded" : undefined };
    await using server = await startUpstreamServer(answerError(status, error, { "retry-after": "30" }));
    for (const kind of [undefined, "openai-compatible", "anthropic", "google"] satisfies (Kind | undefined)[]) {
      const before = server.requests.length;
      const { finish } = kind === undefined ? await readUpstream(server) : await readAiSdk(server, kind);
      expect(finish).toMatchObject({ status: "failed", error: { code, message } });
      expect(server.requests.length - before).toBe(1);
    }
  });

  test("if it is told in the stream, too", async () => {
    const error = { message: words("30000", "37313"), type: "tokens", code: "rate_limit_exceeded" };
    await using server = await startUpstreamServer(streamAndEnd(created(), { type: "error", error }));
    expect((await readUpstream(server)).finish).toMatchObject({ status: "failed", error: { message: error.message } });
    expect(server.requests).toHaveLength(1);
  });

  test("but what fits is waited for, whatever it is called", async () => {
    const error = { message: words("250000", "546"), type: "tokens", code: "rate_limit_exceeded" };
    await using server = await startUpstreamServer(answerError(429, error, { "retry-after-ms": "1" }), ANSWER);
    expect((await readUpstream(server)).finish.status).toBe("completed");
  });
});
