/** Reasoning between tags in a text, cut anywhere. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import type { VendorTraits } from "../../../../src/providers/vendor-traits.ts";
import { ThinkTagParser } from "../../../../workers/upstreams/ai-sdk/think-tag-parser.ts";
import { WEATHER_TOOL } from "../../../conformance/upstream-suite.ts";
import { readAnswer, deltas, readSentBody, user } from "../../../support/vendors.ts";

type Mode = VendorTraits["think_tags"];
type Part = LanguageModelV4StreamPart;

const FINISH = { type: "finish" } as Part;

/** The reasoning and the answer of a text that arrives in these pieces. */
function split(mode: Mode, ...pieces: readonly string[]): [thought: string, text: string] {
  const tags = new ThinkTagParser(mode);
  const words: Part[] = pieces.map((delta) => ({ type: "text-delta", id: "0", delta }));
  const parts = [{ type: "text-start", id: "0" } as Part, ...words, FINISH].flatMap((part) => [...tags.read(part)]);
  const join = (type: string) =>
    parts.map((part) => (part.type === type && "delta" in part ? part.delta : "")).join("");
  return [join("reasoning-delta"), join("text-delta")];
}

/** The mode, the text, the reasoning, the answer. */
const CASES: readonly (readonly [Mode, string, string, string])[] = [
  ["written", "<think>Hm.</think>Yes.", "Hm.", "Yes."],
  ["written", "<think>\nHm.\n\nWell.\n</think>\n\nYes.\n", "Hm.\n\nWell.", "Yes.\n"],
  ["written", "\n <think>Hm.</think> Yes.", "Hm.", "Yes."],
  ["written", "<think>\n\n</think>\n\nYes.", "", "Yes."],
  ["written", "<think></think>", "", ""],
  ["written", "<think>Hm. I was cut", "Hm. I was cut", ""],
  ["written", "<think>Hm. </thin", "Hm. </thin", ""],
  ["written", "<think>a < b </b> </think >", "a < b </b> </think >", ""],
  ["written", "<think>\n<think>\nHm.\n</think>Yes.", "Hm.", "Yes."],
  ["written", "<think>I write <think> here.</think>Yes.", "I write <think> here.", "Yes."],
  ["written", "<think>a<think>b</think>c</think>Yes.", "a<think>b</think>c", "Yes."],
  ["written", "<think>Hm.</think>Write </think> last.", "Hm.", "Write </think> last."],
  ["written", "<think>Hm.</think><think>Again.</think>", "Hm.", "<think>Again.</think>"],
  ["written", "Well, <think>Hm.</think>Yes.", "", "Well, <think>Hm.</think>Yes."],
  ["written", "<thinking>Hm.</thinking>Yes.", "", "<thinking>Hm.</thinking>Yes."],
  ["written", "<thin", "", "<thin"],
  ["written", "Hm.</think>Yes.", "", "Hm.</think>Yes."],
  ["written", "[THINK]Hm.[/THINK]Yes.", "Hm.", "Yes."],
  ["written", "", "", ""],
  ["opened", "Hm.</think>Yes.", "Hm.", "Yes."],
  ["opened", "\nHm.\n</think>\n\nYes.", "Hm.", "Yes."],
  ["opened", "<think>Hm.</think>Yes.", "Hm.", "Yes."],
  ["opened", "</think>Yes.", "", "Yes."],
  ["opened", "I was cut", "I was cut", ""],
  ["none", "<think>Hm.</think>Yes.", "", "<think>Hm.</think>Yes."],
];

describe.each(CASES)("%s: %j", (mode, text, thought, answerText) => {
  test("is separated for every cut", () => {
    const cuts = fc.array(fc.nat({ max: text.length }), { maxLength: 6 });
    fc.assert(
      fc.property(cuts, (cutIndices) => {
        const sorted = [0, ...cutIndices.toSorted((a, b) => a - b), text.length];
        const pieces = sorted.slice(1).map((end, i) => text.slice(sorted[i], end));
        expect(split(mode, ...pieces)).toEqual([thought, answerText]);
      }),
    );
    expect(split(mode, ...text.split(""))).toEqual([thought, answerText]);
  });
});

test("reasoning is streamed while it is written", () => {
  const tags = new ThinkTagParser("written");
  const parsed = ["<think>", "One ", "two ", "three"].map((delta) =>
    [...tags.read({ type: "text-delta", id: "0", delta })].flatMap((part) => ("delta" in part ? part.delta : [])),
  );
  expect(parsed).toEqual([[], ["One"], [" two"], [" three"]]);
});

test("a text that resembles a tag is passed on chunk by chunk", () => {
  const tags = new ThinkTagParser("written");
  const parts: Part[] = [
    { type: "raw", rawValue: 1 },
    { type: "text-delta", id: "0", delta: "<th" },
    { type: "raw", rawValue: 2 },
    { type: "text-delta", id: "0", delta: "e end" },
  ];
  expect(parts.flatMap((part) => [...tags.read(part)])).toEqual(parts);
});

test("endless whitespace is passed on", () => {
  const blank = " ".repeat(100);
  const pieces = Array.from({ length: 100 }, () => blank);
  expect(split("written", ...pieces)[1]).toBe(blank.repeat(100));
  expect(split("written", "<think>a", ...pieces, "</think>b")[0]).toMatch(/^a {9000}/);
});

describe("tagged reasoning in a response", () => {
  test("is a reasoning item before the message", async () => {
    const { output, finish } = await readAnswer(
      { vendor: "vllm" },
      deltas(
        "stop",
        { content: "<thi" },
        { content: "nk>Hm." },
        { content: "</think>\n\nYes" },
        { content: ", indeed." },
      ),
    );
    expect(finish.status).toBe("completed");
    expect(output).toMatchObject([
      { type: "reasoning", status: "completed", content: [{ type: "reasoning_text", text: "Hm." }] },
      { type: "message", content: [{ text: "Yes, indeed." }] },
    ]);
  });

  test("ends where a call begins, and returns within its turn", async () => {
    const tool_calls = [{ index: 0, id: "c1", function: { name: "get_weather", arguments: "{}" } }];
    const request = { model: "m", tools: [WEATHER_TOOL] };
    const answer = deltas("tool_calls", { content: "<think>Paris" }, { tool_calls });
    const { output } = await readAnswer({ vendor: "sglang" }, answer, { request });
    expect(output).toMatchObject([{ type: "reasoning", content: [{ text: "Paris" }] }, { type: "function_call" }]);
    const history = [user("Hi"), ...output, { type: "function_call_output" as const, call_id: "c1", output: "x" }];
    const { messages } = await readSentBody({ vendor: "sglang" }, { history, request });
    expect(messages[1]).toMatchObject({ role: "assistant", reasoning_content: "Paris", tool_calls: [{ id: "c1" }] });
  });
});
