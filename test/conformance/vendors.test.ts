/**
 * Every vendor that has a fake, in the same conversations: calm, and in chaos. A fake rejects what the vendor rejects,
 * so our requests are judged by the vendor's rules (test/support/fake-vendor/), not by a copy of our own code.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OutputItem, StoredInputItem } from "../../src/protocol/item.ts";
import type { Response } from "../../src/protocol/response.ts";
import type { ChaosSettings } from "../support/fake-vendor/chaos.ts";
import type { Script, ScriptedTurn } from "../support/fake-vendor/script.ts";
import { startFakeVendor } from "../support/fake-vendor/server.ts";
import { FAKE_VENDOR_NAMES, type FakeVendorName } from "../support/fake-vendor/vendors.ts";
import { openTestStorage, type TestStorage } from "../support/storage.ts";
import { Chain, expectNoRejections, user } from "../support/vendor-runs.ts";
import { textOf } from "./upstream-log.ts";

let storage: TestStorage;
beforeAll(async () => void (storage = await openTestStorage()));
afterAll(() => storage[Symbol.asyncDispose]());

const look = (x: number) => ({ name: "look", arguments: { x } });
const askWeather = (city: string) => ({ name: "get_weather", arguments: { city } });
const ANSWER: ScriptedTurn = { thinks: "Six and seven are thirteen.", says: "It is thirteen." };

const SCRIPT: Script = {
  "Add them": [ANSWER],
  "Look twice": [
    { thinks: "First I look at one.", calls: [look(1)] },
    { thinks: "Then at two and three.", says: "I look again.", calls: [look(2), look(3)] },
    { thinks: "That is all.", says: "I have looked." },
  ],
  "One call": [{ thinks: "I ask for Paris.", calls: [askWeather("Paris")] }, ANSWER],
  "Two calls": [{ thinks: "I ask for both.", calls: [askWeather("Paris"), askWeather("Rome")] }, ANSWER],
  "Look elsewhere": [ANSWER, ANSWER, { thinks: "It is cold.", says: "It snows." }],
  "Write much": [{ says: "This text was cut", ends: "length" }],
  "Be bad": [{ says: "I would not", ends: "refusal" }],
};

/** Calls of the vendor that takes over: the first vendor has not made them, and each has its own id. */
const SECOND: Script = {
  "Two calls": [ANSWER, { thinks: "Both are there.", says: "It rains." }],
  "Look elsewhere": [
    { thinks: "Four is left.", says: "I look there.", calls: [look(4)] },
    { thinks: "Oslo is left.", calls: [askWeather("Oslo")] },
  ],
};

const LAST_TEXTS = { "Add them": ANSWER.says, "Look twice": "I have looked.", "Two calls": '{"city":"Rome"}' };

const assistantMessage = (content: string) =>
  ({ type: "message", role: "assistant", content, id: "msg_said" }) as const;
const late = (content: string) => ({ type: "message", role: "developer", content, id: "msg_late" }) as const;
const called = (call_id: string) =>
  ({ type: "function_call", call_id, name: "get_weather", arguments: '{"city":"Bern"}', id: "fc_called" }) as const;
const answered = (call_id: string, output: string) =>
  ({ type: "function_call_output", call_id, output, id: "fc_answered" }) as const;
const LONG_ID = `functions.get_weather:${"0".repeat(40)}`;

/** Each of these was rejected by some vendor. */
const AWKWARD: StoredInputItem[] = [
  user("Hello"),
  user("Is anybody there?"),
  assistantMessage(" "),
  assistantMessage("Yes."),
  late("Be brief."),
  user(" \n"),
  user("What is it like in Bern?"),
  called(LONG_ID),
  late("Be kind."),
  answered(LONG_ID, ""),
  user("Stop."),
  assistantMessage(""),
  late("Be exact."),
  user("One call"),
];

const start = async (name: FakeVendorName, chaos?: ChaosSettings) =>
  await startFakeVendor(name, { script: SCRIPT, ...(chaos && { chaos }) });
const typesOf = ({ output }: Response) => output.map(({ type }) => type);
const lastText = ({ output, error }: Response) => (error === null ? textOf(output.at(-1)!) : JSON.stringify(error));
const callsOf = ({ output }: Response) => output.flatMap((item) => (item.type === "function_call" ? [item] : []));
const withoutReasoning = (types: readonly OutputItem["type"][]) => types.filter((type) => type !== "reasoning");

describe.each(FAKE_VENDOR_NAMES)("%s", (name) => {
  test("answers with reasoning and a text", async () => {
    await using vendor = await start(name);
    const response = await new Chain(storage).ask(vendor, "Add them");
    expectNoRejections(vendor);
    expect(response.status).toBe("completed");
    expect(typesOf(response)).toEqual(["reasoning", "message"]);
    expect(textOf(response.output[0]!)).toBe(ANSWER.thinks);
    expect(lastText(response)).toBe(ANSWER.says);
    expect(response.usage).toMatchObject({ input_tokens: 30, output_tokens: 7 });
  });

  test.each([
    ["One call", ["rain"]],
    ["Two calls", ["rain", " \n"]],
  ])("makes client calls: %s", async (question, outputs) => {
    await using vendor = await start(name);
    const chain = new Chain(storage);
    const first = await chain.ask(vendor, question);
    const calls = callsOf(first);
    expect(calls.map(({ arguments: json }) => JSON.parse(json).city)).toEqual(
      ["Paris", "Rome"].slice(0, outputs.length),
    );
    expect(new Set(calls.map(({ call_id }) => call_id)).size).toBe(outputs.length);
    const second = await chain.answer(vendor, calls, outputs);
    expectNoRejections(vendor);
    expect(lastText(second)).toBe(ANSWER.says);
  });

  test("continues for three turns, with server and client calls", async () => {
    await using vendor = await start(name);
    await talk(vendor);
    expectNoRejections(vendor);
  });

  const forced = [{ tool_choice: "required" }, { tool_choice: { type: "function", name: "get_weather" } }] as const;
  test.each(forced)("accepts any client history, with $tool_choice", async (request) => {
    await using vendor = await start(name);
    const response = await new Chain(storage).send(vendor, AWKWARD, request);
    expectNoRejections(vendor);
    expect([response.status, response.error]).toEqual(["completed", null]);
    expect(callsOf(response)).toMatchObject([{ name: "get_weather" }]);
  });

  test("accepts a history that ends with its own words", async () => {
    await using vendor = await start(name);
    const response = await new Chain(storage).send(vendor, [user("Add them"), assistantMessage("Six and seven")]);
    expectNoRejections(vendor);
    expect([response.status, response.error]).toEqual(["completed", null]);
  });

  test("leaves a cut-off response incomplete", async () => {
    await using vendor = await start(name);
    const response = await new Chain(storage).ask(vendor, "Write much");
    expect(response).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
    expect(lastText(response)).toBe("This text was cut");
  });

  test("shows a refusal as a refusal", async () => {
    await using vendor = await start(name);
    const response = await new Chain(storage).ask(vendor, "Be bad");
    // Only one of them has a part for it.
    const filtered = { status: "incomplete", incomplete_details: { reason: "content_filter" } };
    const content = [{ type: "refusal", refusal: "I would not" }];
    expect(response).toMatchObject(name === "openai" ? { status: "completed", output: [{ content }] } : filtered);
  });

  test.each([1, 2, 3, 4])("says the same in odd, late and first rejected streams, seed %i", async (seed) => {
    await using vendor = await start(name, { seed, oddityRate: 0.4, failureRate: 0.4, cuts: true });
    await talk(vendor);
    expectNoRejections(vendor);
  });

  test.each([1, 2, 3])("leaves legal logs when its streams break or fall silent, seed %i", async (seed) => {
    const failures = ["break", "silence", "refuse"] as const;
    await using vendor = await start(name, { seed, oddityRate: 0.3, failureRate: 0.5, failures, cuts: true });
    for (const [question, text] of Object.entries(LAST_TEXTS)) {
      const response = await new Chain(storage, { UPSTREAM_IDLE_TIMEOUT_MS: "300" }).ask(vendor, question);
      expect([text, "server_error"]).toContain(response.error?.code ?? lastText(response));
    }
    expectNoRejections(vendor);
  });
});

/** Every switch from one vendor to another and back, in the middle of calls. */
describe.each(FAKE_VENDOR_NAMES)("a chain that %s began", (name) => {
  test.each(FAKE_VENDOR_NAMES.filter((other) => other !== name))("continues at %s, and back", async (other) => {
    await using first = await start(name);
    await using second = await startFakeVendor(other, { script: SECOND });
    const chain = new Chain(storage);
    expect(lastText(await chain.ask(first, "Look twice"))).toBe("I have looked.");
    const calls = callsOf(await chain.ask(first, "Two calls"));
    expect(lastText(await chain.answer(second, calls, ["rain", "sun"]))).toBe("It rains.");
    const more = callsOf(await chain.ask(second, "Look elsewhere"));
    expect(chain.tool.begun).toHaveLength(4);
    expect(lastText(await chain.answer(first, more, ["snow"]))).toBe("It snows.");
    expect(lastText(await chain.ask(first, "Add them"))).toBe(ANSWER.says);
    for (const vendor of [first, second]) expectNoRejections(vendor);
  });
});

/** Three user turns. The text depends neither on the vendor nor on its chaos. */
async function talk(vendor: Awaited<ReturnType<typeof start>>): Promise<void> {
  const chain = new Chain(storage);
  const first = await chain.ask(vendor, "Look twice");
  expect([first.status, first.error]).toEqual(["completed", null]);
  expect(withoutReasoning(typesOf(first))).toEqual(["mcp_call", "message", "mcp_call", "mcp_call", "message"]);
  expect(chain.tool.begun.toSorted()).toEqual(["look 1", "look 2", "look 3"]);
  expect(lastText(first)).toBe("I have looked.");
  const calls = callsOf(await chain.ask(vendor, "Two calls"));
  expect(calls).toHaveLength(2);
  expect(lastText(await chain.answer(vendor, calls, ["rain", "sun"]))).toBe(ANSWER.says);
  expect(lastText(await chain.ask(vendor, "Add them"))).toBe(ANSWER.says);
}
