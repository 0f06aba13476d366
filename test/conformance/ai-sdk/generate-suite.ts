/** Text, functions and objects in one answer. */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Fixture } from "../clients/clients.ts";
import { callOptions, type Line } from "./lines.ts";

const QUICK = { delay_ms: 0 };

export const SIGHTING = z.object({
  species: z.string(),
  count: z.number().int(),
  seen: z.array(z.enum(["dawn", "dusk"])),
  nest: z.object({ height_m: z.number() }).nullable(),
});

export function testGeneration(line: Line, fixture: Fixture): void {
  const { generateObject, generateText, Output, stepCountIs, tool } = line.ai;

  describe("generateText", () => {
    test("returns text, finish reason, usage and id", async () => {
      const result = await generateText(callOptions(line, fixture, { ...QUICK, text: "Herons wait in the shallows." }));
      expect(result).toMatchObject({
        text: "Herons wait in the shallows.",
        finishReason: "stop",
        usage: { inputTokens: 4, outputTokens: 5, totalTokens: 9 },
        warnings: [],
      });
      expect(result.response).toMatchObject({ id: expect.stringMatching(/^resp_/), modelId: "simulator/default" });
      expect(result.response.timestamp.getTime()).toBeGreaterThan(Date.now() - 60_000);
    });

    test("returns reasoning with a summary", async () => {
      const options = { forceReasoning: true, reasoningEffort: "low", reasoningSummary: "auto" };
      const result = await generateText(callOptions(line, fixture, { ...QUICK, reasoning: 8, tokens: 6 }, options));
      expect(result.reasoningText).not.toBe("");
      expect(result.reasoning).toMatchObject([{ type: "reasoning", text: result.reasoningText }]);
      expect(result.usage).toMatchObject({
        outputTokens: 14,
        outputTokenDetails: { textTokens: 6, reasoningTokens: 8 },
      });
    });

    test("returns a text cut off by max_output_tokens", async () => {
      const options = callOptions(line, fixture, { ...QUICK, tokens: 40 });
      const result = await generateText({ ...options, maxOutputTokens: 16 });
      expect(result).toMatchObject({ finishReason: "length", usage: { outputTokens: 16 } });
      expect(result.text).not.toBe("");
    });

    test("continues from a stored response", async () => {
      const first = await generateText(callOptions(line, fixture, { ...QUICK, tokens: 6 }));
      const previousResponseId = first.response.id;
      const second = await generateText(callOptions(line, fixture, QUICK, { previousResponseId }));
      expect(second.usage.inputTokens).toBeGreaterThan(first.usage.inputTokens!);
    });
  });

  describe("functions", () => {
    const inputSchema = z.object({ place: z.string() });

    /** A tool and the arguments of its calls, in order of execution. */
    function lookout() {
      const places: string[] = [];
      const look = tool({
        description: "Looks for herons.",
        inputSchema,
        execute: ({ place }) => {
          places.push(place);
          return `Seventeen at number ${places.length}`;
        },
      });
      return { look, places };
    }

    test.each([1, 3])("%i calls are executed by the client and answered", async (calls) => {
      const { look, places } = lookout();
      const result = await generateText({
        ...callOptions(line, fixture, { ...QUICK, calls }),
        tools: { look },
        stopWhen: stepCountIs(4),
      });
      expect(result.steps.map((step) => step.finishReason)).toEqual(["tool-calls", "stop"]);
      const [asked] = result.steps;
      expect(asked!.toolCalls).toMatchObject(places.map((place) => ({ toolName: "look", input: { place } })));
      expect(new Set(asked!.toolCalls.map((call) => call.toolCallId)).size).toBe(calls);
      for (let number = 1; number <= calls; number++) expect(result.text).toContain(`Seventeen at number ${number}`);
    });

    test("calls after stored reasoning refer to it by id", async () => {
      const result = await generateText({
        ...callOptions(line, fixture, { ...QUICK, reasoning: 4 }),
        tools: { look: lookout().look },
        stopWhen: stepCountIs(4),
      });
      expect(result.steps.map((step) => step.finishReason)).toEqual(["tool-calls", "stop"]);
      expect(result.text).toContain("Seventeen at number 1");
    });

    test("a chat of two turns is passed on as the SDK returns it", async () => {
      const { prompt, ...options } = callOptions(line, fixture, { ...QUICK, text: "Herons." });
      const first = await generateText({ ...options, messages: [{ role: "user", content: prompt }] });
      const messages = [
        { role: "user" as const, content: prompt },
        ...first.response.messages,
        { role: "user" as const, content: "And where?" },
      ];
      const second = await generateText({ ...options, messages });
      expect(second.text).toBe("Herons.");
      expect(second.usage.inputTokens).toBeGreaterThan(first.usage.inputTokens!);
    });

    test("steps after reasoning continue from each other", async () => {
      const settings = { ...QUICK, reasoning: 4 };
      const result = await generateText({
        ...callOptions(line, fixture, settings),
        tools: { look: lookout().look },
        stopWhen: stepCountIs(4),
        prepareStep: ({ steps }) => {
          const previous = steps.at(-1)?.response.id;
          return previous === undefined
            ? {}
            : {
                providerOptions: callOptions(line, fixture, settings, { previousResponseId: previous }).providerOptions,
              };
        },
      });
      expect(result.steps.map((step) => step.finishReason)).toEqual(["tool-calls", "stop"]);
      expect(result.text).toContain("Seventeen at number 1");
    });

    test("steps after reasoning work without storage", async () => {
      const options = { store: false, forceReasoning: true };
      const result = await generateText({
        ...callOptions(line, fixture, { ...QUICK, reasoning: 4 }, options),
        tools: { look: lookout().look },
        stopWhen: stepCountIs(4),
      });
      expect(result.steps.map((step) => step.finishReason)).toEqual(["tool-calls", "stop"]);
      expect(result.text).toContain("Seventeen at number 1");
    });

    test("a failed call is reported to the model", async () => {
      const look = tool({
        inputSchema,
        execute: (): string => {
          throw new Error("Nobody is at the pond.");
        },
      });
      const result = await generateText({
        ...callOptions(line, fixture, QUICK),
        tools: { look },
        stopWhen: stepCountIs(4),
      });
      expect(result.text).toContain("Nobody is at the pond.");
    });
  });

  describe("structured output", () => {
    test("generateObject returns the object", async () => {
      const { object, finishReason } = await generateObject({ ...callOptions(line, fixture, QUICK), schema: SIGHTING });
      expect(finishReason).toBe("stop");
      expect(SIGHTING.parse(object)).toEqual(object);
    });

    test("generateText with Output.object returns the object", async () => {
      const { output, text } = await generateText({
        ...callOptions(line, fixture, QUICK),
        output: Output.object({ schema: SIGHTING }),
      });
      expect(SIGHTING.parse(output)).toEqual(JSON.parse(text));
    });
  });
}
