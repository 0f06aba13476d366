/** How much tool output a model sees, per call and per turn. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import { renderContext } from "../../../../workers/turn/context/render-context.ts";
import { AttemptControl } from "../../../../workers/attempt/attempt.ts";
import { truncateMiddle } from "../../../../src/context-window/truncate-middle.ts";
import { TOOL_ITEMS } from "../../../../workers/tools/registry.ts";
import {
  MAX_CALL_CHARACTERS,
  truncateOutputs,
  turnOutputLimit,
} from "../../../../workers/turn/context/truncate-output.ts";
import { openMcpKind } from "../../../../workers/tools/mcp/mcp.ts";
import { mcpTool, callOutputs } from "../../../support/mcp-runs.ts";
import { startMcpServer, type TestMcpServer, textResult } from "../../../support/mcp-server.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";
import { createResponse, finalResponse, RecordingUpstream, runOnce, scriptSteps } from "../../../support/tool-runs.ts";

const lengths = (truncated: readonly unknown[]) => truncated.map((each) => JSON.stringify(each).length - 2);

const lengthOf = (truncated: readonly unknown[]) => truncated.map(String).join("").length;

describe("a text that is too long", () => {
  test.each([500, 1_000, MAX_CALL_CHARACTERS])(
    "keeps its beginning, its end and the omitted length in %i characters",
    (max) => {
      const text = `first ${"x".repeat(300_000)} last`;
      const cut = truncateMiddle(text, max);
      expect(cut.length).toBeLessThanOrEqual(max);
      const [, head, left, all, tail] =
        /^(first x+)\n\[cut off here: (\d+) of (\d+) characters are left out\]\n(x+ last)$/.exec(cut)!;
      expect(Number(all)).toBe(text.length);
      expect(head!.length + Number(left) + tail!.length).toBe(text.length);
    },
  );

  test("is cut between characters", () => {
    for (let max = 200; max < 210; max++) {
      expect(truncateMiddle("😀".repeat(1_000), max).isWellFormed()).toBe(true);
      expect(truncateMiddle(`a${"😀".repeat(1_000)}`, max).isWellFormed()).toBe(true);
    }
  });

  test("may be cut twice, and still counts everything omitted", () => {
    const text = `first ${"x".repeat(300_000)} last`;
    expect(truncateMiddle(truncateMiddle(text, MAX_CALL_CHARACTERS), 1_000)).toBe(truncateMiddle(text, 1_000));
    const printed = `\n[cut off here: 7 of 9 characters are left out]\n${text}`;
    expect(truncateMiddle(printed, 1_000)).toContain(`of ${printed.length} characters`);
  });

  test("is unchanged within the limit", () => {
    expect(truncateMiddle("x".repeat(500), 500)).toBe("x".repeat(500));
  });
});

describe("the outputs of a turn", () => {
  test("have a limit each and a shared one, of which short ones leave the rest to others", () => {
    const long = "x".repeat(300_000);
    expect(lengths(truncateOutputs([long], turnOutputLimit(undefined)))).toEqual([
      expect.closeTo(MAX_CALL_CHARACTERS, -1),
    ]);
    const many = truncateOutputs([...Array.from({ length: 20 }, () => long), "short"], turnOutputLimit(undefined));
    expect(many.at(-1)).toBe("short");
    expect(lengthOf(many)).toBeLessThanOrEqual(turnOutputLimit(undefined));
    expect(lengthOf(many)).toBeGreaterThan(turnOutputLimit(undefined) * 0.99);
    const two = truncateOutputs(["x".repeat(1_000), long], 8_000);
    expect(two[0]).toHaveLength(1_000);
    expect(two[1]!.length).toBeGreaterThan(6_900);
  });

  test("shrink with the window, but never to nothing", () => {
    const truncated = truncateOutputs(
      Array.from({ length: 8 }, () => "x".repeat(100_000)),
      turnOutputLimit(4_000),
    );
    expect(lengthOf(truncated)).toBeLessThanOrEqual(4_000);
    const many = truncateOutputs(
      Array.from({ length: 200 }, () => "x".repeat(1_000)),
      turnOutputLimit(4_000),
    );
    for (const each of many) expect(each).toMatch(/^x+\n\[cut off here: \d+ of 1000 characters are left out\]\nx+$/);
  });

  test("keep their images, and their texts share the rest", () => {
    const image = {
      type: "input_image" as const,
      detail: "auto" as const,
      image_url: `data:image/png;base64,${"A".repeat(99_999)}`,
    };
    const text = (content: string) => ({ type: "input_text" as const, text: content });
    const [truncated] = truncateOutputs(
      [[text("short"), image, text("x".repeat(90_000)), text("y".repeat(90_000))]],
      MAX_CALL_CHARACTERS,
    );
    expect(truncated).toEqual([
      text("short"),
      image,
      { type: "input_text", text: expect.stringMatching(/^x+\n\[cut off here/) },
      { type: "input_text", text: expect.stringMatching(/^y+\n\[cut off here/) },
    ]);
  });
});

test("a hosted call in the input is truncated, a client's output is not", () => {
  const logs = "x".repeat(300_000);
  const outputs = [{ type: "logs" as const, logs }];
  const clientOutput = { type: "function_call_output" as const, call_id: "call_1", output: logs };
  const cell = {
    type: "code_interpreter_call" as const,
    id: "ci_1",
    code: "x",
    container_id: "cntr_1",
    outputs,
    status: "completed" as const,
  };
  const items = renderContext([cell, clientOutput], { tools: TOOL_ITEMS, executed: new Map(), isHosted: () => false });
  const [ofCell, ofClient] = items.flatMap((item) => (item.type === "function_call_output" ? [item.output] : []));
  expect(ofCell).toHaveLength(MAX_CALL_CHARACTERS);
  expect(ofClient).toBe(logs);
});

describe("a run", () => {
  let storage: TestStorage;
  let server: TestMcpServer;
  beforeAll(async () => {
    storage = await openTestStorage();
    server = await startMcpServer({
      tools: { flood: { run: () => textResult(`flood ${"x".repeat(250_000)} end`) } },
    });
  });
  afterAll(async () => {
    await storage[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test.each([
    [1, undefined, MAX_CALL_CHARACTERS],
    [20, undefined, turnOutputLimit(undefined)],
    [20, 16_000, 16_000],
  ])(
    "with %i floods in a window of %j shows the model at most %i characters, and the client all",
    async (count, window, maximum) => {
      const floods = Array.from({ length: count }, () => ({ call: "srv__flood" }));
      const tools = [mcpTool({ server_url: server.url })];
      const id = await createResponse(storage, { tools, metadata: scriptSteps(floods) });
      const upstream = new RecordingUpstream();
      const kinds = [openMcpKind(readConfig({ FETCH_ALLOWED_HOSTS: "127.0.0.1" }))];
      const setup = { storage, kinds, upstream, ...(window !== undefined && { contextWindow: window }) };
      expect(await runOnce(setup, id, new AttemptControl())).toBe("ended");
      const truncated = callOutputs(upstream.calls.at(-1)!);
      expect(truncated).toHaveLength(count);
      expect(lengthOf(truncated)).toBeLessThanOrEqual(maximum);
      for (const each of truncated) expect(each).toMatch(/^flood x+\n\[cut off here: .*\]\nx+ end$/);
      const { response } = await finalResponse(storage, id);
      const items = (response.output as readonly OutputItem[]).filter((item) => item.type === "mcp_call");
      expect(items.every((item) => (item.output?.length ?? 0) > 250_000)).toBe(true);
    },
  );
});
