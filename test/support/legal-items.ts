/** Every kind of item as a provider may stream it (contract.md#item-events), made by fast-check: the grammar's other side. */
import fc from "fast-check";
import type { MessagePart } from "../../src/protocol/content.ts";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import { newItemId } from "../../src/protocol/id.ts";

/** The events of one whole item at its place. */
export type ItemScript = (output_index: number) => ItemEventDraft[];

type ItemType = OutputItem["type"];
export type ItemOf<T extends ItemType> = Extract<OutputItem, { type: T }>;
export type At = { item_id: string; output_index: number };

/** `before` and `after`: the item's own fields when it is added, and what they are when it is done. */
export function script<T extends ItemType>(
  type: T,
  before: Omit<ItemOf<T>, "type" | "id">,
  after: Partial<Omit<ItemOf<T>, "type" | "id">>,
  between: (at: At) => ItemEventDraft[] = () => [],
): ItemScript {
  return (output_index) => {
    const item = { type, id: newItemId(type), ...before } as unknown as OutputItem;
    const done = { ...item, ...after } as OutputItem;
    return [
      { type: "response.output_item.added", output_index, item },
      ...between({ item_id: item.id, output_index }),
      { type: "response.output_item.done", output_index, item: done },
    ];
  };
}

const words = fc.array(fc.string({ maxLength: 6 }), { maxLength: 4 });
const join = (deltas: readonly string[]) => deltas.join("");
const call = { call_id: "call_1", status: "in_progress" as const };
const done = { status: "completed" as const };

const annotation = (index: number) =>
  ({ type: "url_citation", url: "https://example.org", title: `${index}`, start_index: 0, end_index: 1 }) as const;

const messagePart = fc.oneof(
  fc.record({ kind: fc.constant("output_text" as const), deltas: words, annotations: fc.nat(3) }),
  fc.record({ kind: fc.constant("refusal" as const), deltas: words }),
);

const message = fc.array(messagePart, { maxLength: 3 }).map((parts) => {
  const contentOf = (part: (typeof parts)[number]): MessagePart =>
    part.kind === "refusal"
      ? { type: "refusal", refusal: join(part.deltas) }
      : {
          type: "output_text",
          text: join(part.deltas),
          annotations: Array.from({ length: part.annotations }, (_, i) => annotation(i)),
          logprobs: [],
        };
  const events = (at: At) =>
    parts.flatMap((part, content_index): ItemEventDraft[] => {
      const here = { ...at, content_index };
      const content = contentOf(part);
      if (content.type === "refusal") {
        return [
          { type: "response.content_part.added", ...here, part: { type: "refusal", refusal: "" } },
          ...part.deltas.map((delta) => ({ type: "response.refusal.delta" as const, ...here, delta })),
          { type: "response.refusal.done", ...here, refusal: join(part.deltas) },
          { type: "response.content_part.done", ...here, part: content },
        ];
      }
      const empty = { type: "output_text" as const, text: "", annotations: [], logprobs: [] };
      return [
        { type: "response.content_part.added", ...here, part: empty },
        ...part.deltas.map((delta) => ({ type: "response.output_text.delta" as const, ...here, delta, logprobs: [] })),
        ...content.annotations.map((each, annotation_index) => ({
          type: "response.output_text.annotation.added" as const,
          ...here,
          annotation_index,
          annotation: each,
        })),
        { type: "response.output_text.done", ...here, text: content.text, logprobs: [] },
        { type: "response.content_part.done", ...here, part: content },
      ];
    });
  const content = parts.map(contentOf);
  return script("message", { role: "assistant", status: "in_progress", content: [] }, { ...done, content }, events);
});

const reasoning = fc.tuple(fc.array(words, { maxLength: 2 }), fc.array(words, { maxLength: 2 })).map(([told, raw]) => {
  const part = (text: string) => ({ type: "summary_text" as const, text });
  const content = raw.map((deltas) => ({ type: "reasoning_text" as const, text: join(deltas) }));
  const events = (at: At): ItemEventDraft[] => [
    ...told.flatMap((deltas, summary_index): ItemEventDraft[] => {
      const here = { ...at, summary_index };
      return [
        { type: "response.reasoning_summary_part.added", ...here, part: part("") },
        ...deltas.map((delta) => ({ type: "response.reasoning_summary_text.delta" as const, ...here, delta })),
        { type: "response.reasoning_summary_text.done", ...here, text: join(deltas) },
        { type: "response.reasoning_summary_part.done", ...here, part: part(join(deltas)) },
      ];
    }),
    ...raw.flatMap((deltas, content_index): ItemEventDraft[] => {
      const here = { ...at, content_index };
      return [
        { type: "response.content_part.added", ...here, part: { type: "reasoning_text", text: "" } },
        ...deltas.map((delta) => ({ type: "response.reasoning_text.delta" as const, ...here, delta })),
        { type: "response.reasoning_text.done", ...here, text: join(deltas) },
        { type: "response.content_part.done", ...here, part: content[content_index]! },
      ];
    }),
  ];
  const after = { ...done, summary: told.map((deltas) => part(join(deltas))), ...(raw.length > 0 && { content }) };
  return script("reasoning", { summary: [], encrypted_content: "a", status: "in_progress" }, after, events);
});

const functionCall = words.map((deltas) =>
  script("function_call", { ...call, name: "f", arguments: "" }, { ...done, arguments: join(deltas) }, (at) => [
    ...deltas.map((delta) => ({ type: "response.function_call_arguments.delta" as const, ...at, delta })),
    { type: "response.function_call_arguments.done", ...at, arguments: join(deltas) },
  ]),
);

const customToolCall = words.map((deltas) =>
  script("custom_tool_call", { ...call, name: "c", input: "" }, { ...done, input: join(deltas) }, (at) => [
    ...deltas.map((delta) => ({ type: "response.custom_tool_call_input.delta" as const, ...at, delta })),
    { type: "response.custom_tool_call_input.done", ...at, input: join(deltas) },
  ]),
);

const webSearch = fc.constant(
  script(
    "web_search_call",
    { status: "in_progress", action: { type: "search" } },
    { ...done, action: { type: "search", query: "q", queries: ["q"] } },
    (at) => [
      { type: "response.web_search_call.in_progress", ...at },
      { type: "response.web_search_call.searching", ...at },
      { type: "response.web_search_call.completed", ...at },
    ],
  ),
);

const fileSearch = fc.constant(
  script(
    "file_search_call",
    { status: "in_progress", queries: [], results: null },
    { ...done, queries: ["q"] },
    (at) => [
      { type: "response.file_search_call.in_progress", ...at },
      { type: "response.file_search_call.searching", ...at },
      { type: "response.file_search_call.completed", ...at },
    ],
  ),
);

const codeInterpreter = words.map((deltas) =>
  script(
    "code_interpreter_call",
    { status: "in_progress", code: "", container_id: "cntr_1", outputs: [] },
    { ...done, code: join(deltas), outputs: [{ type: "logs", logs: "1" }] },
    (at) => [
      { type: "response.code_interpreter_call.in_progress", ...at },
      ...deltas.map((delta) => ({ type: "response.code_interpreter_call_code.delta" as const, ...at, delta })),
      { type: "response.code_interpreter_call_code.done", ...at, code: join(deltas) },
      { type: "response.code_interpreter_call.interpreting", ...at },
      { type: "response.code_interpreter_call.completed", ...at },
    ],
  ),
);

const imageGeneration = fc.nat(3).map((partials) =>
  script("image_generation_call", { status: "in_progress", result: null }, { ...done, result: "AA==" }, (at) => [
    { type: "response.image_generation_call.in_progress", ...at },
    { type: "response.image_generation_call.generating", ...at },
    ...Array.from({ length: partials }, (_, partial_image_index) => ({
      type: "response.image_generation_call.partial_image" as const,
      ...at,
      partial_image_index,
      partial_image_b64: "AA==",
    })),
    { type: "response.image_generation_call.completed", ...at },
  ]),
);

const mcpListTools = fc.boolean().map((fails) =>
  script(
    "mcp_list_tools",
    { server_label: "s", tools: [] },
    fails ? { error: "no" } : { tools: [{ name: "t", input_schema: {} }] },
    (at) => [
      { type: "response.mcp_list_tools.in_progress", ...at },
      { type: `response.mcp_list_tools.${fails ? "failed" : "completed"}`, ...at },
    ],
  ),
);

const mcpCall = fc
  .tuple(words, fc.boolean(), fc.boolean())
  .map(([deltas, fails, isApproved]) =>
    script(
      "mcp_call",
      { server_label: "s", name: "t", arguments: "", status: "in_progress" },
      fails
        ? { arguments: join(deltas), status: "failed", error: { type: "http_error", code: 500, message: "m" } }
        : { arguments: join(deltas), status: "completed", output: "o" },
      (at) => [
        { type: "response.mcp_call.in_progress", ...at },
        ...deltas.map((delta) => ({ type: "response.mcp_call_arguments.delta" as const, ...at, delta })),
        { type: "response.mcp_call_arguments.done", ...at, arguments: join(deltas) },
        ...(isApproved ? [{ type: "response.mcp_call.in_progress" as const, ...at }] : []),
        { type: `response.mcp_call.${fails ? "failed" : "completed"}`, ...at },
      ],
    ),
  );

const compaction = fc.constant(
  script("compaction", { encrypted_content: "" }, { encrypted_content: "gAAA" }, (at) => [
    { type: "response.compaction.compacting", ...at },
  ]),
);

const shellCall = fc.array(words, { maxLength: 3 }).map((commands) => {
  const action = { commands: [] as string[], max_output_length: null, timeout_ms: null };
  const before = { ...call, action, environment: { type: "local" as const } };
  const after = { ...done, action: { ...action, commands: commands.map(join) } };
  return script("shell_call", before, after, ({ output_index }) =>
    commands.flatMap((deltas, command_index): ItemEventDraft[] => {
      const here = { output_index, command_index };
      return [
        { type: "response.shell_call_command.added", ...here, command: "" },
        ...deltas.map((delta) => ({ type: "response.shell_call_command.delta" as const, ...here, delta })),
        { type: "response.shell_call_command.done", ...here, command: join(deltas) },
      ];
    }),
  );
});

const shellCallOutput = fc.array(words, { maxLength: 3 }).map((outputs) => {
  const output = outputs.map((deltas, i) => ({
    outcome: { type: "exit" as const, exit_code: i },
    stdout: join(deltas),
    stderr: "",
  }));
  const before = { ...call, output: [], max_output_length: null };
  return script("shell_call_output", before, { ...done, output }, (at) =>
    outputs.flatMap((deltas, command_index): ItemEventDraft[] => {
      const here = { ...at, command_index };
      return [
        ...deltas.map((stdout) => ({
          type: "response.shell_call_output_content.delta" as const,
          ...here,
          delta: { stdout },
        })),
        { type: "response.shell_call_output_content.done", ...here, output: [output[command_index]!] },
      ];
    }),
  );
});

/** Kinds that are only added and done. */
const plain = fc.constantFrom(
  script("apply_patch_call", { ...call, operation: { type: "delete_file", path: "p" } }, done),
  script("computer_call", { ...call, pending_safety_checks: [], action: { type: "wait" } }, done),
  script("local_shell_call", { ...call, action: { type: "exec", command: ["ls"], env: {} } }, done),
  script("mcp_approval_request", { server_label: "s", name: "t", arguments: "{}" }, {}),
  script("tool_search_call", { ...call, arguments: {}, execution: "server" }, done),
  script("program", { call_id: "call_1", code: "c", fingerprint: "f" }, {}),
);

/** Items that are written as text. */
export const legalText: fc.Arbitrary<ItemScript> = fc.oneof(message, reasoning);

export const legalItem: fc.Arbitrary<ItemScript> = fc.oneof(
  message,
  reasoning,
  functionCall,
  customToolCall,
  webSearch,
  fileSearch,
  codeInterpreter,
  imageGeneration,
  mcpListTools,
  mcpCall,
  compaction,
  shellCall,
  shellCallOutput,
  plain,
);
