/** The calls a turn may make, for any request of the model, and their order in the output. */
import { describe, expect, test } from "vitest";
import type { Tool } from "../../../src/protocol/tool.ts";
import { AttemptControl } from "../../../workers/attempt/attempt.ts";
import type { Upstream } from "../../../workers/upstreams/upstream.ts";
import { COUNTING_TOOL, type CountingOptions, countingTool } from "../../support/counting-tool.ts";
import { openTestStorage } from "../../support/storage.ts";
import { createResponse, finalResponse, RecordingUpstream, runOnce, scriptSteps } from "../../support/tool-runs.ts";

const look = (x: number) => ({ call: "look", arguments: { x } });
const change = (x: number) => ({ call: "change", arguments: { x } });
type Request = Parameters<typeof createResponse>[1];

interface Options extends CountingOptions {
  /** The model's input in place of a rejected call's result. */
  disobey?: (upstream: RecordingUpstream) => Upstream;
}

async function run(request: Request, { disobey, ...counting }: Options = {}) {
  await using storage = await openTestStorage();
  const tool = countingTool(undefined, counting);
  const upstream = new RecordingUpstream();
  const id = await createResponse(storage, { tools: [COUNTING_TOOL], ...request });
  await runOnce({ storage, kinds: [tool.kind], upstream: disobey?.(upstream) ?? upstream }, id, new AttemptControl());
  const { response, log } = await finalResponse(storage, id);
  return {
    begun: tool.begun,
    choices: upstream.calls.map((call) => call.request.tool_choice),
    upstream,
    response,
    log,
  };
}

/** A model that ignores `tool_choice`, as some servers do. */
const heedless = (upstream: RecordingUpstream): Upstream => ({
  run: ({ request, ...call }, signal) => {
    const { tool_choice: _, ...rest } = request;
    return upstream.run({ ...call, request: rest }, signal);
  },
});

describe("tool_choice", () => {
  const onlyLook = {
    type: "allowed_tools" as const,
    mode: "required" as const,
    tools: [{ type: "function", name: "look" }],
  };

  test("for allowed tools restricts every turn, and forces only the first", async () => {
    const { choices } = await run({ tool_choice: onlyLook, metadata: scriptSteps(look(1), look(2)) });
    expect(choices).toEqual([onlyLook, { ...onlyLook, mode: "auto" }, { ...onlyLook, mode: "auto" }]);
  });

  test("is enforced against the model", async () => {
    const allowed = await run(
      { tool_choice: onlyLook, metadata: scriptSteps(look(1), change(2)) },
      { disobey: heedless },
    );
    expect(allowed.begun).toEqual(["look 1"]);
    const none = await run({ tool_choice: "none", metadata: scriptSteps(look(1)) }, { disobey: heedless });
    expect(none.begun).toEqual([]);
  });

  test("for a client's function forces the first turn, also after approved calls", async () => {
    const { choices, begun } = await run(
      { tool_choice: "required", metadata: scriptSteps(change(7), look(1)) },
      { approved: [7] },
    );
    expect(begun).toEqual(["change 7", "look 1"]);
    expect(choices).toEqual(["required", "auto"]);
  });
});

const NAMESPACE: Tool = {
  type: "namespace",
  name: "crm",
  description: "The customers",
  tools: [{ type: "function", name: "change" }],
};

test("a namespaced function goes to the client, even under a server tool's name", async () => {
  const namespaced = (upstream: RecordingUpstream): Upstream => ({
    run: async function* (call, signal) {
      for await (const event of upstream.run(call, signal)) {
        if ("item" in event && event.item.type === "function_call") {
          yield { ...event, item: { ...event.item, namespace: "crm" } };
        } else yield event;
      }
    },
  });
  const request = { tools: [COUNTING_TOOL, NAMESPACE], metadata: scriptSteps(change(1)) };
  const { begun, response, upstream } = await run(request, { disobey: namespaced });
  expect(begun).toEqual([]);
  expect(response.output).toMatchObject([{ type: "function_call", name: "change", namespace: "crm" }]);
  const offered = upstream.calls[0]!.request.tools!.map((tool) => ("name" in tool ? tool.name : ""));
  expect(offered).toEqual(["look", "change_2", "crm"]);
});

test("after the last call only the client's tools are offered", async () => {
  const request = { tools: [COUNTING_TOOL, NAMESPACE], max_tool_calls: 1, metadata: scriptSteps(look(1), look(2)) };
  const { begun, upstream } = await run(request);
  expect(begun).toEqual(["look 1"]);
  expect(upstream.calls.at(-1)!.request).toMatchObject({ tools: [{ type: "namespace" }], tool_choice: "auto" });
});

test("approved calls count as calls", async () => {
  const { begun } = await run({ max_tool_calls: 2, metadata: scriptSteps(look(1)) }, { approved: [1, 2, 3] });
  expect(begun).toEqual(["change 1", "change 2"]);
});

test("items follow one another, even an approval request before a call", async () => {
  const { response, log, begun } = await run({ metadata: scriptSteps([change(1), look(2)]) }, { asksFor: "change" });
  expect(begun).toEqual(["look 2"]);
  expect(response.output.map((item) => item.type)).toEqual(["mcp_approval_request", "mcp_call"]);
  const indices = log
    .map((json) => JSON.parse(json) as { type: string; output_index?: number })
    .flatMap(({ output_index }) => output_index ?? []);
  expect(indices).toEqual(indices.toSorted((a, b) => a - b));
});
