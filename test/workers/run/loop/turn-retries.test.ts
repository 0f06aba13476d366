/** Turns without a usable result: the message to the model, the number of retries, and the end of the response. */
import { describe, expect, test } from "vitest";
import type { ResolvedRequest } from "../../../../src/protocol/create-request.ts";
import { AttemptControl } from "../../../../workers/attempt/attempt.ts";
import { textOf } from "../../../conformance/upstream-log.ts";
import { chunk, frames, openAiSdk } from "../../../support/ai-sdk.ts";
import { COUNTING_TOOL, countingTool } from "../../../support/counting-tool.ts";
import { openTestStorage } from "../../../support/storage.ts";
import { createResponse, finalResponse, runOnce } from "../../../support/tool-runs.ts";
import { type Answer, startUpstreamServer } from "../../../support/upstream-server.ts";

const end = (finish_reason: string, completion_tokens = 10) => ({
  ...chunk({}, { finish_reason }),
  usage: { prompt_tokens: 5, completion_tokens },
});
const call = (name: string, tokens = 10, json = '{"x":1}'): Answer =>
  frames(
    chunk({ tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name, arguments: json } }] }),
    end("tool_calls", tokens),
  );
const says = (text: string, tokens = 10): Answer => frames(chunk({ content: text }), end("stop", tokens));
const thinks = (reason: string): Answer => frames(chunk({ reasoning_content: "Hm." }), end(reason));
const MINE = { type: "function" as const, name: "mine", parameters: {}, strict: false };

async function run(answers: [Answer, ...Answer[]], request: Partial<ResolvedRequest> = {}, maxToolCalls = 100) {
  await using storage = await openTestStorage();
  await using server = await startUpstreamServer(...answers);
  const tool = countingTool();
  const upstream = openAiSdk(server, "openai-compatible");
  const id = await createResponse(storage, { tools: [COUNTING_TOOL], ...request });
  expect(await runOnce({ storage, kinds: [tool.kind], upstream, maxToolCalls }, id, new AttemptControl())).toBe(
    "ended",
  );
  const { response } = await finalResponse(storage, id);
  const bodies = server.requests.map(({ body }) => body);
  const texts = response.output.map((item) => textOf(item) || item.type);
  return { response, texts, bodies, tool, last: JSON.stringify(bodies.at(-1)!["messages"]) };
}

describe("a model that calls tools beyond the limit", () => {
  test("gets a message about it, and answers", async () => {
    const { response, texts, tool, last, bodies } = await run([call("look"), call("look"), says("Done.")], {
      max_tool_calls: 1,
    });
    expect([response.status, ...texts]).toEqual(["completed", "mcp_call", "Done."]);
    expect(tool.begun).toEqual(["look 1"]);
    expect(JSON.stringify(bodies[1])).toContain("No more tools can be called");
    expect(last).toContain("'look' was not called");
    expect(response.usage!.output_tokens).toBe(30);
  });

  test("fails the response if it never answers", async () => {
    const { response, bodies } = await run([call("look")], { max_tool_calls: 1 });
    expect(response).toMatchObject({ status: "failed", error: { code: "server_error" } });
    expect(response.error!.message).toContain("no answer");
    expect(bodies).toHaveLength(4);
  });

  test("is treated alike for the operator's limit and the request's", async () => {
    expect((await run([call("look"), call("look"), says("Done.")], {}, 1)).texts).toEqual(["mcp_call", "Done."]);
    expect((await run([call("look"), says("Done.")], { tool_choice: "none" })).texts).toEqual(["Done."]);
  });
});

describe("a tool that was not offered", () => {
  test.each([
    ["beside the server's", [COUNTING_TOOL], "look, change"],
    ["beside the client's", [MINE], "mine"],
  ])("%s gets an answer with the available tools", async (_name, tools, names) => {
    const { response, texts, last } = await run([call("open_file"), says("Done.")], { tools });
    expect([response.status, ...texts]).toEqual(["completed", "Done."]);
    expect(last).toContain(`there is no tool 'open_file'. The tools are: ${names}.`);
  });

  test("does not block the other calls", async () => {
    const both = frames(
      chunk({ tool_calls: [{ index: 0, id: "a", function: { name: "nothing", arguments: "{oops" } }] }),
      chunk({ tool_calls: [{ index: 1, id: "b", function: { name: "look", arguments: '{"x":1}' } }] }),
      end("tool_calls"),
    );
    const { texts, last } = await run([both, says("Done.")]);
    expect(texts).toEqual(["mcp_call", "Done."]);
    expect(last).toContain("there is no tool 'nothing'");
  });

  test("fails the response if the model repeats it", async () => {
    const { response, bodies } = await run([call("open_file")], { tools: [MINE] });
    expect([response.status, bodies.length]).toEqual(["failed", 3]);
  });

  test("goes to the client if the client owns it", async () => {
    const { response, texts } = await run([call("mine")], { tools: [MINE] });
    expect([response.status, ...texts]).toEqual(["completed", '{"x":1}']);
  });
});

describe("an empty answer", () => {
  test.each([
    ["nothing", frames(end("stop")), []],
    ["blanks", says(" \n"), []],
    ["reasoning alone", thinks("stop"), ["Hm."]],
  ])("of %s is retried once", async (_name, empty, before) => {
    for (const tools of [[], [COUNTING_TOOL]]) {
      const { response, texts, bodies } = await run([empty, says("Done.")], { tools });
      expect([response.status, ...texts]).toEqual(["completed", ...before, "Done."]);
      expect(bodies).toHaveLength(2);
      expect(response.usage!.output_tokens).toBe(20);
    }
  });

  test("is accepted the second time", async () => {
    const { response, texts, bodies } = await run([frames(end("stop"))]);
    expect([response.status, ...texts, bodies.length]).toEqual(["completed", "message", 2]);
  });
});

describe("a call that its provider cannot parse", () => {
  const failing = frames(chunk({ reasoning_content: "Hm." }), { error: { code: "tool_use_failed", message: "No." } });

  test("is retried, even after reasoning", async () => {
    const { response, texts } = await run([failing, says("Done.")]);
    expect([response.status, texts.at(-1)]).toEqual(["completed", "Done."]);
  });

  test("fails the response if no retry succeeds", async () => {
    const { response, bodies } = await run([failing]);
    expect([response.status, response.error!.message, bodies.length]).toEqual(["failed", "No.", 3]);
  });
});

describe("max_output_tokens with tools", () => {
  const asked = (bodies: readonly Record<string, unknown>[]) => bodies.map((body) => body["max_tokens"]);

  test.each<[bound: number, spent: number, asked: number[]]>([
    [41, 25, [25, 16]],
    [100, 25, [75, 50, 25]],
    [100, 75, [75, 25]],
    [10_000, 8_976, [8_976, 1_024]],
  ])("of %i reserves a part for the answer", async (max_output_tokens, spent, expected) => {
    const calls: Answer[] = expected.length > 2 ? [call("look", spent), call("look", spent)] : [call("look", spent)];
    const { response, texts, bodies } = await run([calls[0]!, ...calls.slice(1), says("Done.", 5)], {
      max_output_tokens,
    });
    expect([response.status, texts.at(-1)]).toEqual(["completed", "Done."]);
    expect(asked(bodies)).toEqual(expected);
    expect(bodies.at(-1)!["tool_choice"] ?? "none").toBe(expected.length > 2 ? "auto" : "none");
    expect(response.usage!.output_tokens).toBeLessThanOrEqual(max_output_tokens);
  });

  test("requests an answer without tools after a turn uses its part", async () => {
    for (const cut of [thinks("length"), call("look", 75, '{"x"')]) {
      const { response, texts, bodies } = await run([cut, says("Done.", 5)], { max_output_tokens: 100 });
      expect([response.status, texts.at(-1)]).toEqual(["completed", "Done."]);
      expect(bodies).toHaveLength(2);
      expect(bodies[1]!["tool_choice"] ?? "none").toBe("none");
    }
  });

  test("is exceeded by less than the minimum if a provider ignores its part", async () => {
    const { response, bodies } = await run([call("look", 90), says("Done.", 16)], { max_output_tokens: 100 });
    expect(asked(bodies)).toEqual([75, 16]);
    expect(response.status).toBe("completed");
    const spent = await run([call("look", 120), says("Done.")], { max_output_tokens: 100 });
    expect(spent.response).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
  });

  test("belongs to the answer alone without server tools", async () => {
    expect(asked((await run([says("Done.")], { tools: [MINE], max_output_tokens: 100 })).bodies)).toEqual([100]);
  });
});
