/** A provider's report on a response, except the output: our terminal response has it, for every ending. */
import { expect, test } from "vitest";
import { create, simulate } from "../support/api-client.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { completed, created, message, startUpstreamServer, streamAndEnd } from "../support/upstream-server.ts";

const NO_IMAGES = {
  input_tokens: 0,
  input_tokens_details: { image_tokens: 0, text_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { image_tokens: 0, text_tokens: 0 },
  total_tokens: 0,
};
const IMAGES = {
  ...NO_IMAGES,
  input_tokens: 5,
  total_tokens: 5,
  cached_tokens: 1,
  cached_tokens_details: { cached_image_tokens: 0, cached_text_tokens: 1 },
};
const FOUND = {
  type: "moderation_result",
  model: "omni-moderation-latest",
  flagged: true,
  categories: { violence: true },
  category_scores: { violence: 0.9 },
  category_applied_input_types: { violence: ["text"] },
};
const MODERATION = { input: FOUND, output: { type: "error", code: "server_error", message: "Not now" } };
const SEARCHES = { web_search: { num_requests: 3 } };

test.each([
  ["completed", { tool_usage: { image_gen: IMAGES, ...SEARCHES }, moderation: MODERATION }],
  ["incomplete", { tool_usage: { image_gen: IMAGES, ...SEARCHES }, moderation: MODERATION }],
  ["failed", { tool_usage: { image_gen: IMAGES, ...SEARCHES }, moderation: MODERATION }],
])("tool_usage and moderation reach a response that is %s", async (status, said) => {
  const response = await answerOf({ status, ...said });
  expect(response).toMatchObject({ status, ...said });
});

test("a missing or malformed report leaves the response unchanged", async () => {
  const response = await answerOf({ tool_usage: { image_gen: "many", ...SEARCHES }, moderation: { input: FOUND } });
  expect(response.tool_usage).toEqual({ image_gen: NO_IMAGES, ...SEARCHES });
  expect(response.moderation).toBeNull();
});

async function answerOf(final: object) {
  await using upstream = await startUpstreamServer(
    streamAndEnd(created(), ...message(0, "msg_1", ["Hello"]), completed(final)),
  );
  const environment = { KEY_PREFIX: uniquePrefix(), OPENAI_BASE_URL: upstream.url, OPENAI_API_KEY: "key" };
  await using api = await startApi(environment);
  await using _worker = await startWorker(environment);
  return await create(api.url, { ...simulate({}), metadata: {}, model: "openai/gpt-5", background: false });
}
