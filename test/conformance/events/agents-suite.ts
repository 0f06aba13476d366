/**
 * Every event and item through the agents SDK: its model, which converts items into its own, and a run over hosted
 * tools.
 */
import { Agent, type Model, OpenAIProvider, Runner, webSearchTool, withTrace } from "@openai/agents";
import { beforeAll, expect, test } from "vitest";
import { EVERY_KIND, type Kind } from "../../support/every-item.ts";
import { type Fixture, KEY } from "../clients/clients.ts";
import { errorOf } from "../clients/requests.ts";
import { NEVER_SENT, ofType, SENT, type Typed } from "./event-types.ts";
import { type Ending, modelOf } from "./provider.ts";

/** The SDK's conversions of kinds that it renames. It passes unknown kinds on unchanged. */
const CONVERTED: Partial<Record<Kind, string>> = {
  function_call_output: "function_call_result",
  web_search_call: "hosted_tool_call",
  file_search_call: "hosted_tool_call",
  code_interpreter_call: "hosted_tool_call",
  image_generation_call: "hosted_tool_call",
  mcp_list_tools: "hosted_tool_call",
  mcp_call: "hosted_tool_call",
  mcp_approval_request: "hosted_tool_call",
  custom_tool_call: "unknown",
  custom_tool_call_output: "unknown",
  computer_call_output: "unknown",
  local_shell_call: "unknown",
  local_shell_call_output: "unknown",
  mcp_approval_response: "unknown",
  additional_tools: "unknown",
};

/** Calls without an output: the provider ran them. */
const RUN_BY_THE_PROVIDER: Kind[] = [
  "reasoning",
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "mcp_list_tools",
  "mcp_call",
  "message",
];

export function testAgents(fixture: Fixture): void {
  let provider: OpenAIProvider;
  let events: Typed[];

  type Request = Parameters<Model["getResponse"]>[0];
  const request: Request = {
    input: "Hello",
    modelSettings: { providerData: { background: true } },
    tools: [],
    outputType: "text",
    handoffs: [],
    tracing: false,
  };

  async function stream(kinds: readonly Kind[], ending: Ending): Promise<void> {
    const model = await provider.getModel(modelOf(kinds, ending));
    await withTrace("events", async () => {
      for await (const event of model.getStreamedResponse(request)) {
        if (event.type === "model") events.push(event.event as Typed);
      }
    });
  }

  const unsuccessful = (ending: string) => ({ message: expect.stringContaining(`"response.${ending}"`) as string });

  beforeAll(async () => {
    provider = new OpenAIProvider({ baseURL: fixture.api.url, apiKey: KEY, useResponses: true });
    events = [];
    await stream(EVERY_KIND, "completed");
    for (const ending of ["incomplete", "failed"] as const) {
      expect(await errorOf(stream(["message"], ending))).toMatchObject(unsuccessful(ending));
    }
    expect(await errorOf(stream(["message"], "error"))).toMatchObject(unsuccessful("failed"));
  });

  test.each(SENT)("event %s: passes through the model", (type) => {
    expect(ofType(events, type).length).toBeGreaterThan(0);
  });

  test.each(NEVER_SENT)("event %s: is dropped, though the provider sends it", (type) => {
    expect(ofType(events, type)).toEqual([]);
  });

  test.each(EVERY_KIND)("output item %s: is converted", async (kind) => {
    const model = await provider.getModel(modelOf([kind]));
    const { output } = await withTrace("items", () => model.getResponse({ ...request, modelSettings: {} }));
    expect(new Set(output.map(({ type }) => type))).toEqual(new Set([CONVERTED[kind] ?? kind]));
  });

  test("a run over the provider's own tools ends with the message", async () => {
    const agent = new Agent({ name: "Birdwatcher", model: modelOf(RUN_BY_THE_PROVIDER), tools: [webSearchTool()] });
    const result = await new Runner({ modelProvider: provider }).run(agent, "Hello", { stream: true });
    await result.completed;
    expect(result.finalOutput).toContain("Herons");
  });
}
