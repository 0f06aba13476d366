/** The error that a client sees when a provider fails. */
import { describe, expect, test } from "vitest";
import type { ResponseError } from "../../../../src/protocol/response.ts";
import { readRetryAfterMs } from "../../../../src/providers/retry-after.ts";
import { ProviderError } from "../../../../workers/upstreams/http/provider-error.ts";
import { computeRetryDelayMs } from "../../../../workers/upstreams/http/retry-policy.ts";
import { KEY, readUpstream } from "../../../support/openai-responses.ts";
import {
  type Answer,
  created,
  answerError,
  startUpstreamServer,
  streamAndEnd,
} from "../../../support/upstream-server.ts";

async function readError(answer: Answer, headers: Record<string, string> = {}): Promise<ResponseError> {
  await using server = await startUpstreamServer(answer);
  const { finish } = await readUpstream(server, { UPSTREAM_MAX_RETRIES: "0" }, { headers });
  expect(["failed", "postponed"]).toContain(finish.status);
  return (finish as Extract<typeof finish, { error: unknown }>).error;
}

const refuseInBody =
  (body: object): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json; charset=utf-8" });
    response.end(JSON.stringify(body));
  };

const REJECTIONS: [status: number, error: object | string | null, expected: Partial<ResponseError>][] = [
  [400, { message: "Bad image", code: "invalid_image", param: "input" }, { code: "invalid_image", param: "input" }],
  [400, { message: "Too long", code: "context_length_exceeded" }, { code: "invalid_prompt", message: "Too long" }],
  [400, { message: "As vLLM says it", code: 400, type: "BadRequestError" }, { code: "invalid_prompt" }],
  [422, null, { code: "invalid_prompt", message: "The provider answered with status 422." }],
  [404, { message: "No model 'x'", code: "model_not_found" }, { code: "server_error", message: "No model 'x'" }],
  [429, { message: "Slow down", code: "rpm" }, { code: "rate_limit_exceeded", type: "rate_limit_exceeded" }],
  [429, { message: "Pay first", code: "insufficient_quota" }, { code: "insufficient_quota", message: "Pay first" }],
  [502, null, { code: "server_error", type: "server_error", message: "The provider answered with status 502." }],
];

describe("a provider's rejection", () => {
  test.for(REJECTIONS)("with status %i and %j becomes %j", async ([status, error, expected]) => {
    expect(await readError(answerError(status, error))).toMatchObject({ param: null, ...expected });
  });

  test.for<[body: object, expected: Partial<ResponseError>]>([
    [{ error: { code: 402, message: "No credit" } }, { code: "invalid_prompt", message: "No credit" }],
    [{ error: { code: "insufficient_quota", message: "Pay first" } }, { code: "insufficient_quota" }],
    [{ error: { type: "rate_limit_error", message: "Slow down" } }, { code: "rate_limit_exceeded" }],
    [{ error: { type: "invalid_request_error", message: "No" } }, { code: "invalid_prompt", message: "No" }],
    [{ error: { message: `Bad gateway for ${KEY}` } }, { code: "server_error", message: "Bad gateway for [redacted]" }],
  ])("with status 200 and %j becomes %j", async ([body, expected]) => {
    expect(await readError(refuseInBody(body))).toMatchObject(expected);
  });

  test.for([401, 403])("of our credentials (%i) hides the provider's answer", async (status) => {
    const error = await readError(answerError(status, { message: "Incorrect API key provided: sk-te***6789" }));
    expect(error).toEqual({
      code: "server_error",
      message: "The provider rejected this server's credentials.",
      type: "server_error",
      param: null,
    });
  });

  test("never quotes our key or headers", async () => {
    const token = "tenant-token-1234";
    const answer = answerError(400, { message: `Header '${token}' does not go with ${KEY}.` });
    const { message } = await readError(answer, { "x-token": token });
    expect(message).toBe("Header '[redacted]' does not go with [redacted].");
  });
});

describe("an error in the stream", () => {
  const expected = { code: "rate_limit_exceeded", message: "Slow down", param: null };

  test("is read from the response's error", async () => {
    const error = { code: "rate_limit_exceeded", message: `Slow down, ${KEY}` };
    const failed = { type: "response.failed", response: { status: "failed", error } };
    expect(await readError(streamAndEnd(created(), failed))).toEqual({
      ...expected,
      message: "Slow down, [redacted]",
      type: "rate_limit_exceeded",
    });
  });

  test("is read from a flat error frame", async () => {
    const frame = { type: "error", sequence_number: 1, ...expected };
    expect(await readError(streamAndEnd(created(), frame))).toEqual({ ...expected, type: "rate_limit_exceeded" });
  });

  test("is read from a flat error frame without a name", async () => {
    const frame = `data: ${JSON.stringify({ type: "error", ...expected })}\n\n`;
    const answer: Answer = (response) => void response.end(frame);
    expect(await readError(answer)).toEqual({ ...expected, type: "rate_limit_exceeded" });
  });

  test("is read from a nested error frame", async () => {
    const frame = { type: "error", error: { type: "tokens", ...expected } };
    expect(await readError(streamAndEnd(created(), frame))).toEqual({ ...expected, type: "tokens" });
  });

  test("is a server_error without a reason", async () => {
    const failed = { type: "response.failed", response: { status: "failed", error: null } };
    expect(await readError(streamAndEnd(created(), failed))).toMatchObject({
      code: "server_error",
      type: "server_error",
    });
  });
});

describe("the delay before a retry", () => {
  const error = { code: "server_error" as const, message: "Oops", type: "server_error", param: null };
  /** The time at the provider, independent of the local clock. */
  const date = "Thu, 01 Jan 2026 00:00:00 GMT";

  test.for([
    { headers: { "retry-after-ms": "250", "retry-after": "9" }, ms: 250 },
    { headers: { "retry-after": "2" }, ms: 2_000 },
    { headers: { "retry-after": "Thu, 01 Jan 2026 00:00:05 GMT" }, ms: 5_000 },
    { headers: { "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT" }, ms: 0 },
    { headers: { "retry-after": "-1" }, ms: 0 },
    { headers: { "retry-after": "soon" }, ms: undefined },
    { headers: {}, ms: undefined },
  ])("is $ms ms after $headers", ({ headers, ms }) => {
    expect(readRetryAfterMs(new Headers({ date, ...headers }))).toBe(ms);
  });

  test.for([
    { name: "a rate limit with a long delay", status: 429, after: "6", afterMs: 6_000, tries: 1 },
    { name: "a rate limit that continues", status: 429, after: undefined, afterMs: undefined, tries: 3 },
    { name: "an outage with a long delay", status: 503, after: "3600", afterMs: 3_600_000, tries: 1 },
  ])("is the queue's after $name", async ({ status, after, afterMs, tries }) => {
    const headers: Record<string, string> = after === undefined ? {} : { "retry-after": after };
    await using server = await startUpstreamServer(answerError(status, { message: "Later" }, headers));
    const { finish } = await readUpstream(server);
    expect(finish).toMatchObject({ status: "postponed", retryAfterMs: afterMs, error: { message: "Later" } });
    expect(server.requests).toHaveLength(tries);
  });

  const limited = (message: string) => ({ code: "rate_limit_exceeded", message });
  test.for([
    { form: "response.failed", message: "Try again in 20s.", afterMs: 20_000, tries: 1 },
    { form: "response.failed", message: "Please try again in 2ms.", afterMs: 2, tries: 3 },
    { form: "response.failed", message: "Slow down.", afterMs: undefined, tries: 3 },
    { form: "error", message: "Please try again in 12.5s. Or ask for more.", afterMs: 12_500, tries: 1 },
  ])("is the rate limit's in the stream as $form: $message", async ({ form, message, ...wait }) => {
    const error = limited(message);
    const frame = form === "error" ? { type: form, error } : { type: form, response: { status: "failed", error } };
    await using server = await startUpstreamServer(streamAndEnd(created(), frame));
    const { finish } = await readUpstream(server);
    expect(finish).toMatchObject({ status: "postponed", error: { code: "rate_limit_exceeded", message } });
    expect([finish.status === "postponed" && finish.retryAfterMs, server.requests.length]).toEqual([
      wait.afterMs,
      wait.tries,
    ]);
  });

  test("is skipped for a rate limit after output, which ends the response", async () => {
    const added = { type: "response.output_item.added", output_index: 0, item: { id: "msg_1", type: "message" } };
    const failed = { type: "response.failed", response: { status: "failed", error: limited("Try again in 1ms.") } };
    await using server = await startUpstreamServer(streamAndEnd(created(), added, failed));
    const { finish } = await readUpstream(server);
    expect(finish).toMatchObject({ status: "failed", error: { code: "rate_limit_exceeded" } });
    expect(server.requests).toHaveLength(1);
  });

  test("doubles up to 30 s, with full jitter", () => {
    const providerError = new ProviderError(error, { retryable: true });
    const longest = [0, 1, 2, 5, 6, 1_000].map((retries) => computeRetryDelayMs(providerError, retries, 500, () => 1));
    expect(longest).toEqual([500, 1_000, 2_000, 16_000, 30_000, 30_000]);
    expect(computeRetryDelayMs(providerError, 3, 500, () => 0)).toBe(0);
  });
});
