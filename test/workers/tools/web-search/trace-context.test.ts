import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { CURRENT_STEP } from "../../../../src/telemetry/trace-context.ts";
import { FetchPolicy } from "../../../../workers/net/fetch-policy.ts";
import { GuardedFetch } from "../../../../workers/net/guarded-fetch.ts";
import { callEndpoint } from "../../../../workers/tools/web-search/search-providers/endpoint.ts";
import { startUpstreamServer } from "../../../support/upstream-server.ts";

const server = await startUpstreamServer((response) =>
  response.setHeader("content-type", "application/json").end("{}"),
);
afterAll(() => server[Symbol.asyncDispose]());

const TRACEPARENT = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
const STEP = { context: { traceparent: TRACEPARENT }, isPropagated: true };
const { signal } = new AbortController();

test("a search engine gets the trace, and a page does not", async () => {
  await using pages = new GuardedFetch({ policy: new FetchPolicy("127.0.0.1") });
  await CURRENT_STEP.run(STEP, async () => {
    await callEndpoint({ url: new URL(`${server.url}/search`), schema: z.unknown(), timeoutMs: 5_000, signal });
    await pages.read(`${server.url}/page`, { signal, maxBytes: 1_000, timeoutMs: 5_000 });
  });
  expect(server.requests.map(({ path, headers }) => [path, headers["traceparent"]])).toEqual([
    ["/v1/search", TRACEPARENT],
    ["/v1/page", undefined],
  ]);
});
