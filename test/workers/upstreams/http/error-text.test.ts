/** What a client reads of a provider's refusal, in each of the forms that providers have. */
import { describe, expect, test } from "vitest";
import { readAnswer } from "../../../support/vendors.ts";
import { extractErrorText } from "../../../../workers/upstreams/http/error-text.ts";

const EXTRA = {
  type: "extra_forbidden",
  loc: ["body", "user"],
  msg: "Extra inputs are not permitted",
  input: "secret",
};
const SAID = "body.user: Extra inputs are not permitted";

const CASES: readonly [unknown, string | undefined][] = [
  ["No", "No"],
  [{ message: "No" }, "No"],
  // Mistral
  [{ object: "error", message: { detail: [EXTRA] }, type: "invalid_request_error", param: null, code: null }, SAID],
  [{ object: "Error", detail: [EXTRA], message: [EXTRA], code: 3001 }, SAID],
  [{ message: JSON.stringify({ detail: [EXTRA, EXTRA] }), type: "internal_error_proxy" }, `${SAID}; ${SAID}`],
  // FastAPI
  [
    { detail: [{ loc: ["body", "messages", 0, "content"], msg: "Field required" }] },
    "body.messages.0.content: Field required",
  ],
  [{ detail: "Not Found" }, "Not Found"],
  // OpenRouter
  [
    {
      message: "Provider returned error",
      code: 400,
      metadata: { raw: '{"error":{"message":"Too long"}}', provider_name: "X" },
    },
    "Provider returned error: Too long",
  ],
  [
    { message: "Provider returned error", metadata: { raw: "upstream is down" } },
    "Provider returned error: upstream is down",
  ],
  // Others
  [{ errors: [{ message: "One" }, { message: "Two" }] }, "One; Two"],
  [{ error: "invalid_token", error_description: "Expired" }, "invalid_token"],
  [{ title: "Bad", status: 400 }, "Bad"],
  [{ message: "", detail: "Why" }, "Why"],
  [{ message: "[not JSON" }, "[not JSON"],
  [{ message: 7 }, undefined],
  [{ message: {} }, undefined],
  [null, undefined],
  [[], undefined],
];

test.each(CASES)("%j", (error, expected) => {
  expect(extractErrorText(error)).toBe(expected);
});

test("is short, however much there is", () => {
  const many = { detail: Array.from({ length: 100_000 }, () => ({ ...EXTRA, msg: "x".repeat(100) })) };
  expect(extractErrorText(many)?.length).toBe(1_000);
  let deep: object = { message: "deep" };
  for (let i = 0; i < 10_000; i++) deep = { error: deep };
  expect(extractErrorText(deep)).toBeUndefined();
});

describe("a refusal", () => {
  test.each([
    [{ object: "error", message: { detail: [EXTRA] } }, SAID],
    [{ detail: [EXTRA] }, SAID],
    [{ error: { message: { detail: [EXTRA] } } }, SAID],
    [{ error: "No such parameter" }, "No such parameter"],
    [{}, "The provider answered with status 422."],
  ])("is the response's error: %j", async (body, message) => {
    const { finish } = await readAnswer({ vendor: "mistral" }, (response) => {
      response.writeHead(422, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    });
    expect(finish).toMatchObject({ status: "failed", error: { code: "invalid_prompt", message } });
  });
});
