/** Every tool: shown with its defaults and without its secrets, sent to the provider unchanged. */
import { expect, test } from "vitest";
import type { Tool } from "../../../src/protocol/tool.ts";
import { CHOICES, TOOLS } from "../../support/sdk-samples/tools.ts";
import { expectRejected } from "./parameter-suite.ts";
import { beyond, missing, type Rejected, repeated, tooLong, tooShort, unsupported } from "./rows.ts";
import type { EchoServer } from "./server.ts";

type Server = () => EchoServer;
type Kind = Tool["type"];

const REDACTED = "<redacted>";
const SEARCH = { search_context_size: "medium", user_location: null };
const HIDDEN_SECRET = [{ domain: "example.org", name: "KEY", value: REDACTED }];

/** Fields that the response adds to each sample; undefined if the tool is not shown. */
const SHOWN: Partial<Record<Kind, object[]>> = {
  function: [{}, { description: null, strict: true }],
  file_search: [
    {},
    { filters: { type: "eq" }, max_num_results: 20, ranking_options: { ranker: "auto", score_threshold: 0 } },
  ],
  web_search_2025_08_26: [{ search_context_size: "medium" }],
  web_search_preview_2025_03_11: [SEARCH],
  mcp: [{ authorization: undefined, headers: { "X-Key": REDACTED } }, { headers: null }, {}],
  code_interpreter: [{}, { container: { type: "auto", network_policy: { domain_secrets: HIDDEN_SECRET } } }],
};

const tool = (type: Kind, fields: object) => ({ tools: [{ type, ...fields }] });
const store = (fields: object) => tool("file_search", { vector_store_ids: ["vs_1"], ...fields });

const REJECTED: Partial<Record<Kind, Rejected[]>> = {
  function: [
    missing("tools[0].name", tool("function", {})),
    tooShort("tools[0].name", tool("function", { name: "" }), 1),
    tooLong("tools[0].name", tool("function", { name: repeated(129) }), 128),
    {
      fields: tool("function", { name: "a b" }),
      param: "tools[0].name",
      code: "invalid_value",
      message:
        "Invalid 'tools[0].name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
    },
  ],
  file_search: [
    missing("tools[0].vector_store_ids", tool("file_search", {})),
    beyond("tools[0].max_num_results", store({ max_num_results: 0 }), "integer", 1, 0),
    beyond("tools[0].max_num_results", store({ max_num_results: 51 }), "integer", 50, 51),
    beyond(
      "tools[0].ranking_options.score_threshold",
      store({ ranking_options: { score_threshold: 1.1 } }),
      "decimal",
      1,
      1.1,
    ),
    beyond(
      "tools[0].ranking_options.score_threshold",
      store({ ranking_options: { score_threshold: -0.1 } }),
      "decimal",
      0,
      -0.1,
    ),
  ],
  image_generation: [
    beyond("tools[0].partial_images", tool("image_generation", { partial_images: 4 }), "integer", 3, 4),
    beyond("tools[0].output_compression", tool("image_generation", { output_compression: 101 }), "integer", 100, 101),
  ],
  mcp: [missing("tools[0].server_label", tool("mcp", {}))],
  code_interpreter: [missing("tools[0].container", tool("code_interpreter", {}))],
  computer_use_preview: [missing("tools[0].display_height", tool("computer_use_preview", {}))],
  custom: [missing("tools[0].name", tool("custom", {}))],
  namespace: [missing("tools[0].name", tool("namespace", {}))],
  web_search: [
    beyond(
      "tools[0].image_settings.max_results",
      tool("web_search", { image_settings: { max_results: 0 } }),
      "integer",
      1,
      0,
    ),
    unsupported("tools[0].search_content_types[0]", tool("web_search", { search_content_types: ["zzz"] }), [
      "text",
      "image",
    ]),
    unsupported("tools[0].search_context_size", tool("web_search", { search_context_size: "zzz" }), [
      "low",
      "medium",
      "high",
    ]),
  ],
};

export function testTools(server: Server): void {
  test.each(Object.entries(TOOLS))("tool %s: is shown with its defaults, and sent unchanged", async (type, samples) => {
    const { shown, sent } = await server().accepted({ tools: samples });
    expect(sent["tools"]).toEqual(samples);
    const expected = samples.map((sample, i) => ({ ...sample, ...SHOWN[type as Kind]?.[i] }));
    expect(shown["tools"]).toMatchObject(JSON.parse(JSON.stringify(expected)) as object[]);
    expect(JSON.stringify(shown)).not.toContain('"secret"');
  });

  test("tool web_search: fields that Codex and the agents SDK add are shown, and sent unchanged", async () => {
    const tools = [
      { type: "web_search", external_web_access: false, search_content_types: ["text", "image"] },
      { type: "web_search", image_settings: { max_results: 3, caption: true }, search_content_types: ["image"] },
      { type: "web_search", external_web_access: true, indexed_web_access: true, index_gated_web_access: true },
    ];
    const { shown, sent } = await server().accepted({ tools, tool_choice: { type: "web_search" } });
    expect(sent["tools"]).toEqual(tools);
    expect(shown["tools"]).toEqual(tools.map((each) => ({ filters: null, ...SEARCH, ...each })));
  });

  test.each(Object.entries(REJECTED))("tool %s: is rejected beyond its limits", async (_type, rejected) => {
    for (const each of rejected) await expectRejected(server(), each);
  });
}

const nameOf = (choice: (typeof CHOICES)[number]) => (typeof choice === "string" ? choice : choice.type);

export function testToolChoices(server: Server): void {
  test.each(CHOICES.map((choice) => [nameOf(choice), choice] as const))(
    "tool_choice %s: is shown and sent",
    async (_kind, tool_choice) => {
      const { shown, sent } = await server().accepted({ tool_choice });
      expect([shown["tool_choice"], sent["tool_choice"]]).toEqual([tool_choice, tool_choice]);
    },
  );

  test.each(["web_search", "web_search_2025_08_26"] as const)(
    "tool_choice %s: is sent unchanged, and shown by its published name",
    async (type) => {
      const { shown, sent } = await server().accepted({ tools: [{ type }], tool_choice: { type } });
      expect([shown["tool_choice"], sent["tool_choice"]]).toEqual([{ type: "web_search_preview" }, { type }]);
    },
  );

  const look = { type: "function", name: "look" };
  const allowed = (mode: string) => ({ type: "allowed_tools", mode, tools: [look] });
  const INVALID = "failed: invalid_prompt";

  /** The simulator has functions only, and cannot call anything else. */
  test.each<[kind: string, choice: unknown, outcome: string]>([
    ["none", "none", "message"],
    ["auto", "auto", "function_call look"],
    ["required", "required", "function_call look"],
    ["function", look, "function_call look"],
    ["function", { type: "function", name: "nobody" }, INVALID],
    ["allowed_tools", allowed("auto"), "function_call look"],
    ["allowed_tools", allowed("required"), "function_call look"],
    ["allowed_tools", { ...allowed("required"), tools: [] }, INVALID],
    ["custom", { type: "custom", name: "look" }, INVALID],
    ["code_interpreter", { type: "code_interpreter" }, INVALID],
  ])("tool_choice %s: is obeyed by the simulator: %j", async (_kind, tool_choice, outcome) => {
    const metadata = { "simulator.delay_ms": "0" };
    const { body } = await server().post({ model: "simulator/default", metadata, tools: [look], tool_choice });
    const [item] = body["output"] as { type: string; name?: string }[];
    const error = body["error"] as { code: string } | null;
    const what = error === null ? [item?.type, item?.name].filter(Boolean).join(" ") : `failed: ${error.code}`;
    expect(what).toBe(outcome);
  });
}

const INCLUDES = [
  "file_search_call.results",
  "web_search_call.results",
  "web_search_call.action.sources",
  "message.input_image.image_url",
  "computer_call_output.output.image_url",
  "code_interpreter_call.outputs",
  "reasoning.encrypted_content",
  "message.output_text.logprobs",
];

export function testIncludes(server: Server): void {
  test.each(INCLUDES)("include %s: is sent to the provider, and not shown", async (value) => {
    const { shown, sent } = await server().accepted({ include: [value] });
    expect(sent["include"]).toContain(value);
    expect(shown).not.toHaveProperty("include");
  });
}
