/** Refusals that a status does not tell, and answers that are none. */
import { expect, test } from "vitest";
import { withErrorStatus } from "../../../../workers/upstreams/http/error-in-body.ts";
import { type Answer, startUpstreamServer } from "../../../support/upstream-server.ts";

async function ask(status: number, type: string, body: string): Promise<{ status: number; body: string }> {
  const answer: Answer = (response) => void response.writeHead(status, { "content-type": type }).end(body);
  await using server = await startUpstreamServer(answer);
  const response = await withErrorStatus(fetch)(server.url);
  return { status: response.status, body: await response.text() };
}

test.each([
  [200, 402, '{"error":{"code":402}}'],
  [200, 503, '{"error":{"code":"503"}}'],
  [200, 429, '{"error":{"type":"rate_limit_error"}}'],
  [200, 429, '{"error":{"code":"insufficient_quota"}}'],
  [200, 400, '{"error":{"type":"invalid_request_error"}}'],
  [200, 500, '{"error":{"code":200}}'],
  [200, 404, '{"object":"error","message":"The model does not exist.","code":404}'],
  [200, 500, '{"object":"error","message":"Out of memory.","code":null}'],
  [200, 500, '{"error":"The model is not loaded."}'],
  [200, 200, '{"error":" "}'],
  // A response that failed says so by itself, as do those without an error.
  [200, 200, '{"object":"response","error":{"code":"server_error"}}'],
  [200, 200, '{"object":"response.input_tokens","input_tokens":3}'],
  [200, 200, '{"error":null}'],
  [200, 200, "[]"],
  [200, 200, "{oops"],
  [200, 200, ""],
  // With such a status there may be no body at all.
  [204, 204, ""],
  [418, 418, '{"error":{"code":402}}'],
])("of %i it makes %i: %s", async (sent, status, body) => {
  expect(await ask(sent, "application/json", body)).toEqual({ status, body });
});

test("a stream is not looked into", async () => {
  const body = '{"error":{"code":402}}';
  expect(await ask(200, "text/event-stream", body)).toEqual({ status: 200, body });
});
