/** The same as a stream of parts. */
import type { TextStreamPart, ToolSet } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Fixture } from "../clients/clients.ts";
import { collect } from "../clients/requests.ts";
import { SIGHTING } from "./generate-suite.ts";
import { callOptions, type Line } from "./lines.ts";

type Part = TextStreamPart<ToolSet>;

export function testStreaming(line: Line, fixture: Fixture): void {
  const { Output, stepCountIs, streamText, tool } = line.ai;

  describe("streamText", () => {
    test("streams text and reasoning part by part", async () => {
      const options = { forceReasoning: true, reasoningEffort: "low", reasoningSummary: "auto" };
      const result = streamText(callOptions(line, fixture, { reasoning: 8, tokens: 6, delay_ms: 0 }, options));
      const parts = await collect<Part>(result.fullStream);
      expect(withoutRepeats(parts)).toEqual([
        "start",
        "start-step",
        "reasoning-start",
        "reasoning-delta",
        "reasoning-end",
        "text-start",
        "text-delta",
        "text-end",
        "finish-step",
        "finish",
      ]);
      expect(textOf(parts, "reasoning-delta")).toBe(await result.reasoningText);
      expect(textOf(parts, "text-delta")).toBe(await result.text);
      expect(parts.filter((part) => part.type === "text-delta")).toHaveLength(6);
      expect(parts.at(-1)).toMatchObject({
        finishReason: "stop",
        totalUsage: { outputTokens: 14, outputTokenDetails: { textTokens: 6, reasoningTokens: 8 } },
      });
      expect((await result.response).id).toMatch(/^resp_/);
    });

    test("streams a text cut off by max_output_tokens", async () => {
      const options = callOptions(line, fixture, { tokens: 40, delay_ms: 0 });
      const parts = await collect<Part>(streamText({ ...options, maxOutputTokens: 16 }).fullStream);
      expect(parts.at(-1)).toMatchObject({ finishReason: "length", totalUsage: { outputTokens: 16 } });
    });

    test("streams, executes and answers parallel calls", async () => {
      const look = tool({ inputSchema: z.object({ place: z.string() }), execute: ({ place }) => `Herons of ${place}` });
      const result = streamText({
        ...callOptions(line, fixture, { calls: 2, delay_ms: 0 }),
        tools: { look },
        stopWhen: stepCountIs(4),
      });
      const parts = await collect<Part>(result.fullStream);
      const calls = parts.filter((part) => part.type === "tool-call");
      expect(calls).toHaveLength(2);
      for (const { toolCallId, input } of calls) {
        const deltas = parts.filter((part) => part.type === "tool-input-delta" && part.id === toolCallId);
        expect(JSON.parse(deltas.map((part) => (part as { delta: string }).delta).join(""))).toEqual(input);
        const output = `Herons of ${(input as { place: string }).place}`;
        expect(parts).toContainEqual(expect.objectContaining({ type: "tool-result", toolCallId, output }));
        expect(await result.text).toContain(output);
      }
      expect((await result.steps).map((step) => step.finishReason)).toEqual(["tool-calls", "stop"]);
    });

    test("streams an object up to its full shape", async () => {
      const result = streamText({
        ...callOptions(line, fixture, { delay_ms: 0 }),
        output: Output.object({ schema: SIGHTING }),
      });
      const partial = await collect<unknown>(result.partialOutputStream);
      expect(partial.length).toBeGreaterThan(1);
      expect(SIGHTING.parse(await result.output)).toEqual(partial.at(-1));
    });
  });
}

/** The types of the parts, without repetitions in a row. */
function withoutRepeats(parts: readonly Part[]): string[] {
  return parts.map((part) => part.type).filter((type, i) => type !== parts[i - 1]?.type);
}

function textOf(parts: readonly Part[], type: "text-delta" | "reasoning-delta"): string {
  return parts.map((part) => (part.type === type ? part.text : "")).join("");
}
