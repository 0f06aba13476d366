/** The function that the simulator calls: by the name in a script or message, in a namespace, or by a tool's type. */
import { describe, expect, test } from "vitest";
import { applyEvent } from "../../../../src/lifecycle/apply-event.ts";
import type { CreateRequest } from "../../../../src/protocol/create-request.ts";
import { itemEventSchema } from "../../../../src/protocol/event.ts";
import type { Tool } from "../../../../src/protocol/tool.ts";
import type { ContextItem } from "../../../../workers/upstreams/upstream.ts";
import { SimulatorUpstream } from "../../../../workers/upstreams/simulator/simulator.ts";
import { openingState } from "../../../support/samples.ts";
import { scriptSteps } from "../../../support/tool-runs.ts";

const PARAMETERS = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const fn = (name: string) => ({ type: "function" as const, name, parameters: PARAMETERS });
const namespace = (name: string, ...names: string[]): Tool => ({
  type: "namespace",
  name,
  description: "Some.",
  tools: [...names.map(fn), { type: "custom", name: "free" }],
});
const CRM = namespace("crm", "find", "list");
const SHOP = namespace("shop", "find", "buy");

/** The calls made, each as `<namespace>/<name>` or `<name>`, and their arguments. */
async function called(request: Partial<CreateRequest>, text = "Hello") {
  const input: ContextItem[] = [{ type: "message", role: "user", content: text }];
  const metadata = { "simulator.delay_ms": "0", ...request.metadata };
  const call = {
    responseId: "resp_1",
    model: "default",
    request: { model: "simulator/default", ...request, metadata },
    history: input,
    completedItems: [],
    firstOutputIndex: 0,
  };
  let state = openingState();
  let sequence_number = 0;
  for await (const event of new SimulatorUpstream().run(call, new AbortController().signal)) {
    if (event.type === "finish" || event.type === "hidden_reasoning") continue;
    const sequenced = { ...event, sequence_number: sequence_number++ };
    expect(itemEventSchema.parse(sequenced)).toEqual(sequenced);
    state = applyEvent(state, event);
  }
  return state.response.output.flatMap((item) =>
    item.type === "function_call"
      ? [{ name: item.namespace === undefined ? item.name : `${item.namespace}/${item.name}`, json: item.arguments }]
      : [],
  );
}

const names = async (...args: Parameters<typeof called>) => (await called(...args)).map(({ name }) => name);
const script = (...calls: object[]) => ({ metadata: scriptSteps(calls) });

describe("a function in a namespace", () => {
  test("is called with arguments of its schema", async () => {
    const [call, ...others] = await called({ tools: [namespace("crm", "find")] });
    expect(others).toEqual([]);
    expect(call!.name).toBe("crm/find");
    expect(JSON.parse(call!.json)).toEqual({ city: expect.any(String) });
  });

  test.each([
    [{ call: "crm__find" }, "crm/find"],
    [{ call: "shop.find" }, "shop/find"],
    [{ call: "find", namespace: "shop" }, "shop/find"],
    [{ call: "buy" }, "shop/buy"],
    [{ call: "find" }, "find"],
    [{ call: "gone", namespace: "crm" }, "crm/gone"],
    [{ call: "gone" }, "gone"],
  ])("is named by %j in a script: %s", async (step, name) => {
    expect(await names({ tools: [CRM, SHOP, fn("find")], ...script(step) })).toEqual([name]);
  });

  test.each<[NonNullable<CreateRequest["tool_choice"]>, string[]]>([
    [{ type: "function", name: "buy" }, ["shop/buy"]],
    [{ type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "list" }] }, ["crm/list"]],
    ["none", []],
  ])("is selected by tool_choice %j: %j", async (tool_choice, expected) => {
    expect(await names({ tools: [CRM, SHOP], tool_choice })).toEqual(expected);
  });
});

describe("a server tool", () => {
  /** As the server offers its tools; a client has a function of the same name. */
  const tools = ["web_search", "open_page", "python", "python_2", "generate_image", "docs__read"].map(fn);

  test.each([
    ["code_interpreter", "python_2"],
    ["image_generation", "generate_image"],
    ["web_search", "web_search"],
    ["web_search_preview", "web_search"],
    ["python", "python"],
    ["docs__read", "docs__read"],
  ])("is named by %j, in a script and a message: %s", async (text, name) => {
    expect(await names({ tools, ...script({ call: text, arguments: { city: "x" } }) })).toEqual([name]);
    expect(await names({ tools }, `Please use ${text} for this.`)).toEqual([name]);
  });

  test("of MCP is named by its server's name in a script", async () => {
    expect(await names({ tools, ...script({ call: "read" }) })).toEqual(["docs__read"]);
  });

  test("is one of those that the message names", async () => {
    const asked = await names(
      { tools, metadata: { "simulator.calls": "20" } },
      "Try web_search, then `generate_image`.",
    );
    expect(new Set(asked)).toEqual(new Set(["web_search", "generate_image"]));
    expect(await names({ tools: [...tools, CRM] }, `${"word ".repeat(100_000)} and call crm.list`)).toEqual([
      "crm/list",
    ]);
  });

  test("is not named by a type that is not offered", async () => {
    expect(await names({ tools: [fn("look")], ...script({ call: "code_interpreter" }) })).toEqual(["code_interpreter"]);
  });
});
