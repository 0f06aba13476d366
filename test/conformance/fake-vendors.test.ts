/** The fakes themselves: each rejects what its vendor rejects, with its words, and accepts valid requests. */
import { describe, expect, test } from "vitest";
import { startFakeVendor } from "../support/fake-vendor/server.ts";
import { FAKE_VENDOR_NAMES, type FakeVendorName } from "../support/fake-vendor/vendors.ts";

const user = { role: "user", content: "Hi" };
const call = (id: string, args = "{}") => ({ id, type: "function", function: { name: "f", arguments: args } });
const calls = (id: string, fields: object = {}) => ({ role: "assistant", tool_calls: [call(id)], ...fields });
const output = (tool_call_id: string) => ({ role: "tool", tool_call_id, content: "1" });
const chat = (...messages: object[]) => ({ model: "m", stream: true, messages });
const thinking = { thinking: { type: "enabled", budget_tokens: 10 }, max_tokens: 20 };
const messages = (fields: object, ...list: object[]) => ({
  model: "m",
  max_tokens: 20,
  stream: true,
  messages: list,
  ...fields,
});
const use = (id: string) => ({ role: "assistant", content: [{ type: "tool_use", id, name: "f", input: {} }] });
const result = (tool_use_id: string) => ({
  role: "user",
  content: [{ type: "tool_result", tool_use_id, content: "1" }],
});
const contents = (...list: object[]) => ({ contents: list });
const asks = { role: "user", parts: [{ text: "Hi" }] };
const functionCall = { name: "f", args: {} };
const functionResponse = { name: "f", response: {} };
const signed = (thoughtSignature: string) => ({ role: "model", parts: [{ functionCall, thoughtSignature }] });
const items = (...input: object[]) => ({ model: "m", stream: true, store: false, input });
const callItem = { type: "function_call", call_id: "c", name: "f", arguments: "{}" };
const outputItem = { type: "function_call_output", call_id: "c", output: "1" };

const CASES: [FakeVendorName, string, unknown, RegExp][] = [
  ["vllm", "a call without its output", chat(user, calls("c")), /must be followed by tool messages/],
  ["vllm", "an output twice", chat(user, calls("c"), output("c"), output("c")), /must be followed by tool messages/],
  ["ollama", "an output without its call", chat(user, output("c")), /must be a response to a preceeding message/],
  ["vllm", "a late system message", chat(user, { role: "system", content: "x" }), /must be at the beginning/],
  ["vllm", "two of the user's in a row", chat(user, user), /must alternate/],
  ["vllm", "a user behind a tool", chat(user, calls("c"), output("c"), user), /'user' after role 'tool'/],
  ["mistral", "an id that is too long", chat(user, calls("call_12345"), output("call_12345")), /length of 9/],
  ["mistral", "a field that it does not know", { ...chat(user), stream_options: {} }, /not permitted: stream_options/],
  ["mistral", "a last word of the assistant's", chat(user, { role: "assistant", content: "x" }), /Expected last role/],
  ["mistral", "a blank text", chat(user, { role: "assistant", content: " " }, user), /but not none/],
  ["deepseek", "calls without reasoning", chat(user, calls("c"), output("c")), /`reasoning_content` in the thinking/],
  ["deepseek", "a forced call", { ...chat(user), tool_choice: "required" }, /does not support this tool_choice/],
  [
    "groq",
    "reasoning",
    chat(user, { role: "assistant", content: "x", reasoning_content: "y" }, user),
    /'messages.1' : property 'reasoning_content' is unsupported/,
  ],
  ["groq", "a field that it does not know", { ...chat(user), logprobs: true }, /'logprobs' is unsupported/],
  ["openrouter", "an id that is too long", chat(user, calls("c".repeat(41)), output("c".repeat(41))), /too long/],
  [
    "openrouter",
    "details of another's",
    chat(user, calls("c", { reasoning_details: [{ type: "x" }] }), output("c")),
    /Invalid `signature`/,
  ],
  ["gemini", "calls without a signature", chat(user, calls("c"), output("c")), /missing a thought_signature/],
  [
    "gemini",
    "a keyword of schemas",
    { ...chat(user), tools: [{ function: { name: "f", parameters: { additionalProperties: false } } }] },
    /Unknown name "additionalProperties"/,
  ],
  ["anthropic", "an id with a colon", messages({}, user, use("f:0"), result("f:0")), /should match pattern/i],
  ["anthropic", "a call without its result", messages({}, user, use("c"), user), /without `tool_result` blocks/],
  ["anthropic", "a result without its call", messages({}, user, result("c")), /unexpected `tool_use_id`/],
  ["anthropic", "a blank text", messages({}, { role: "user", content: " " }), /non-whitespace/],
  ["anthropic", "a last word of the assistant's", messages({}, user, { role: "assistant", content: "x" }), /prefill/],
  ["anthropic", "calls without thinking", messages(thinking, user, use("c"), result("c")), /Expected `thinking`/],
  ["anthropic", "a forced call", messages({ ...thinking, tool_choice: { type: "any" } }, user), /forces tool use/],
  ["anthropic", "a budget that is too large", messages({ ...thinking, max_tokens: 10 }, user), /must be greater/],
  [
    "anthropic",
    "thinking of another's",
    messages({}, user, { role: "assistant", content: [{ type: "thinking", thinking: "x", signature: "y" }] }, user),
    /Invalid `signature`/,
  ],
  ["anthropic", "a field that it does not know", messages({ seed: 1 }, user), /seed: Extra inputs/],
  [
    "google",
    "calls without a signature",
    contents(asks, { role: "model", parts: [{ functionCall }] }, { role: "user", parts: [{ functionResponse }] }),
    /missing a thought_signature/,
  ],
  [
    "google",
    "a signature of another's",
    contents(asks, signed("x"), { role: "user", parts: [{ functionResponse }] }),
    /missing a thought_signature/,
  ],
  [
    "google",
    "a call without its response",
    contents(asks, signed("skip_thought_signature_validator"), asks),
    /number of function response parts/,
  ],
  [
    "google",
    "a call that begins",
    contents(signed("skip_thought_signature_validator"), { role: "user", parts: [{ functionResponse }] }),
    /immediately after a user turn/,
  ],
  ["google", "a message of nothing", contents({ role: "user", parts: [] }), /must not be empty/],
  ["google", "a field that it does not know", { ...contents(asks), stream: true }, /Unknown name "stream"/],
  ["openai", "a call without its output", items(user, callItem), /No tool output found/],
  ["openai", "an output without its call", items(user, outputItem), /No tool call found/],
  [
    "openai",
    "an id that is too long",
    items(user, { ...callItem, call_id: "c".repeat(65) }, { ...outputItem, call_id: "c".repeat(65) }),
    /maximum length 64/,
  ],
  ["openai", "an id of another kind", items(user, { ...callItem, id: "msg_1" }, outputItem), /begins with 'fc'/],
  [
    "openai",
    "reasoning of another's",
    items(user, { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "x" }, callItem, outputItem),
    /could not be verified/,
  ],
];

async function post(url: string, body: unknown): Promise<{ status: number; text: string }> {
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  return { status: answer.status, text: await answer.text() };
}

test.each(CASES)("%s rejects %s", async (name, _, body, message) => {
  await using vendor = await startFakeVendor(name);
  const { status, text } = await post(vendor.url, body);
  expect(vendor.rejections.map((rejection) => rejection.message)).toEqual([expect.stringMatching(message)]);
  expect(status).toBe(vendor.rejections[0]!.status);
  expect(text, "in a body of the vendor's form").toContain(JSON.stringify(vendor.rejections[0]!.message));
});

const WELL_MADE: Partial<Record<FakeVendorName, unknown>> = {
  openai: items(user),
  anthropic: messages({}, user),
  google: contents(asks),
};

describe.each(FAKE_VENDOR_NAMES)("%s", (name) => {
  const body = (text: string): unknown =>
    JSON.parse(JSON.stringify(WELL_MADE[name] ?? chat(user)).replace('"Hi"', JSON.stringify(text)));

  test("accepts a valid request, and repeats it without a script", async () => {
    await using vendor = await startFakeVendor(name);
    const { status, text } = await post(vendor.url, body("Hello"));
    expect([status, vendor.rejections]).toEqual([200, []]);
    expect(text).toContain('" Hello"');
  });

  test("rejects another vendor's state anywhere", async () => {
    await using vendor = await startFakeVendor(name);
    await post(vendor.url, body("~state~other~state~1"));
    expect(vendor.rejections).toMatchObject([{ status: 400, message: `State of 'other' was sent to '${name}'.` }]);
  });
});
