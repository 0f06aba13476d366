/** Anthropic's Messages API: how the fake reads requests, writes answers and rejects invalid requests. */
import { z } from "zod";
import {
  findBrokenRule,
  type Frame,
  interleave,
  type VendorMemory,
  type Oddity,
  type OpenVendor,
  type Rule,
} from "./protocol.ts";
import { type Step, type ScriptedTurn, words } from "./script.ts";

const blockSchema = z.looseObject({ type: z.string() });
type Block = z.infer<typeof blockSchema>;
const bodySchema = z.looseObject({
  model: z.string(),
  max_tokens: z.int().positive(),
  stream: z.literal(true),
  messages: z
    .array(
      z.strictObject({ role: z.enum(["user", "assistant"]), content: z.union([z.string(), z.array(blockSchema)]) }),
    )
    .min(1),
  thinking: z.looseObject({ type: z.string(), budget_tokens: z.number().optional() }).optional(),
  tool_choice: z.looseObject({ type: z.string() }).optional(),
});
type Body = z.infer<typeof bodySchema>;
type Message = Body["messages"][number];

const FIELDS = new Set(
  "max_tokens messages metadata model output_config output_format service_tier stop_sequences stream system temperature thinking tool_choice tools top_k top_p".split(
    " ",
  ),
);

export function openAnthropic(memory: VendorMemory): OpenVendor {
  return {
    readSteps: (body) => bodySchema.parse(body).messages.flatMap(stepsOf),
    check: (body) => {
      const parsed = bodySchema.safeParse(body);
      if (!parsed.success) return { status: 400, message: z.prettifyError(parsed.error) };
      return findBrokenRule(RULES, parsed.data, memory);
    },
    write: (turn, body) => writeTurn(turn, bodySchema.parse(body), memory),
    describe: ({ status, message }) => ({
      type: "error",
      error: { type: status === 529 ? "overloaded_error" : "invalid_request_error", message },
      request_id: "req_011",
    }),
    overloaded: { status: 529, message: "Overloaded" },
    oddities: ODDITIES,
  };
}

function blocksOf({ content }: Message): Block[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

function idsOf(message: Message | undefined, type: "tool_use" | "tool_result"): string[] {
  const blocks = message === undefined ? [] : blocksOf(message).filter((block) => block.type === type);
  return blocks.map((block) => String(block[type === "tool_use" ? "id" : "tool_use_id"]));
}

function stepsOf(message: Message): Step[] {
  if (message.role === "assistant") return idsOf(message, "tool_use").length > 0 ? [{ kind: "calls" }] : [];
  const texts = blocksOf(message).filter(({ type }) => type === "text");
  return texts.length === 0 ? [] : [{ kind: "user", text: texts.map(({ text }) => String(text)).join("\n") }];
}

const isThinking = ({ thinking }: Body) => thinking !== undefined && thinking.type !== "disabled";

const RULES: readonly Rule<Body>[] = [
  {
    source: "https://docs.anthropic.com/en/api/messages",
    broken: (body) => {
      const extra = Object.keys(body).find((field) => !FIELDS.has(field));
      return extra && `${extra}: Extra inputs are not permitted`;
    },
  },
  {
    source: "https://github.com/maximhq/bifrost/issues/5097",
    broken: ({ messages }) => {
      const unfit = messages.flatMap((each) => [...idsOf(each, "tool_use"), ...idsOf(each, "tool_result")]);
      const position = unfit.findIndex((id) => !/^[a-zA-Z0-9_-]+$/.test(id));
      return position < 0
        ? undefined
        : "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'";
    },
  },
  {
    source: "https://github.com/anthropics/claude-code/issues/1237",
    broken: ({ messages }) => {
      for (const [position, message] of messages.entries()) {
        const answered = idsOf(messages[position + 1], "tool_result");
        const open = idsOf(message, "tool_use").filter((id) => answered.filter((each) => each === id).length !== 1);
        if (open.length > 0) {
          return `messages.${position}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`;
        }
      }
      return undefined;
    },
  },
  {
    source: "https://github.com/anthropics/claude-code/issues/18947",
    broken: ({ messages }) => {
      for (const [position, message] of messages.entries()) {
        const asked = idsOf(messages[position - 1], "tool_use");
        const orphan = idsOf(message, "tool_result").find((id) => !asked.includes(id));
        if (orphan !== undefined) {
          return `messages.${position}.content.0: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${orphan}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`;
        }
      }
      return undefined;
    },
  },
  {
    source: "https://github.com/LibreChat-AI/agents/pull/124",
    broken: ({ messages }) =>
      messages.some((each) => blocksOf(each).some(({ type, text }) => type === "text" && String(text).trim() === ""))
        ? "messages: text content blocks must contain non-whitespace text"
        : undefined,
  },
  {
    source: "https://github.com/llm-exe/llm-exe/issues/503",
    broken: ({ messages }) =>
      messages.at(-1)?.role === "assistant"
        ? "This model does not support assistant message prefill. The conversation must end with a user message."
        : undefined,
  },
  {
    source: "https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking",
    broken: (body) => {
      const budget = body.thinking?.budget_tokens;
      if (budget !== undefined && budget >= body.max_tokens) {
        return "`max_tokens` must be greater than `thinking.budget_tokens`.";
      }
      const isForced = body.tool_choice?.type === "any" || body.tool_choice?.type === "tool";
      if (isThinking(body) && isForced) return "Thinking may not be enabled when tool_choice forces tool use.";
      return isThinking(body) && body["temperature"] !== undefined && body["temperature"] !== 1
        ? "`temperature` may only be set to 1 when thinking is enabled."
        : undefined;
    },
  },
  {
    source: "https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking#preserving-thinking-blocks",
    broken: ({ messages, ...body }, memory) => {
      const lastUser = messages.findLastIndex((each) => stepsOf(each).some(({ kind }) => kind === "user"));
      for (const [position, message] of messages.entries()) {
        const blocks = blocksOf(message);
        const signed = blocks.find((each) => each.type === "thinking" && !isOurs(each, memory));
        if (signed !== undefined) return `messages.${position}.content.0: Invalid \`signature\` in \`thinking\` block`;
        const isCurrent = position > lastUser && idsOf(message, "tool_use").length > 0;
        const [first] = blocks;
        if (isThinking({ messages, ...body }) && isCurrent && first?.type !== "thinking") {
          return `messages.${position}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first?.type}\`.`;
        }
      }
      return undefined;
    },
  },
];

function isOurs({ thinking, signature }: Block, memory: VendorMemory): boolean {
  return memory.given(String(signature))?.includes(thinking) === true;
}

function writeTurn(turn: ScriptedTurn, body: Body, memory: VendorMemory): Frame[] {
  const blocks = [
    ...(turn.thinks !== undefined && isThinking(body) ? [thinkingBlock(turn.thinks, memory)] : []),
    ...(turn.says === undefined ? [] : [textBlock(turn.says)]),
    ...(turn.calls ?? []).map(({ name, arguments: input }) => ({
      begin: { type: "tool_use", id: `toolu_01${String(memory.next()).padStart(22, "A")}`, name, input: {} },
      deltas: (JSON.stringify(input).match(/.{1,9}/gs) ?? []).map((partial_json) => ({
        type: "input_json_delta",
        partial_json,
      })),
    })),
  ];
  const message = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: body.model,
    content: [],
    stop_reason: null,
  };
  const reasons = { stop: "end_turn", length: "max_tokens", refusal: "refusal" };
  const stop_reason = turn.calls?.length ? "tool_use" : reasons[turn.ends ?? "stop"];
  return [
    { type: "message_start", message: { ...message, usage: { input_tokens: 30, output_tokens: 1 } } },
    ...blocks.flatMap(({ begin, deltas }, index) => [
      { type: "content_block_start", index, content_block: begin },
      ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
      { type: "content_block_stop", index },
    ]),
    { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 7 } },
    { type: "message_stop" },
  ].map((data) => ({ event: data.type, data }));
}

function thinkingBlock(thinking: string, memory: VendorMemory) {
  const signature = memory.newState();
  memory.keep(signature, thinking);
  return {
    begin: { type: "thinking", thinking: "", signature: "" },
    deltas: [
      ...words(thinking).map((word) => ({ type: "thinking_delta", thinking: word })),
      { type: "signature_delta", signature },
    ],
  };
}

function textBlock(text: string) {
  return {
    begin: { type: "text", text: "" },
    deltas: words(text).map((word) => ({ type: "text_delta", text: word })),
  };
}

const STREAMING = "https://docs.anthropic.com/en/docs/build-with-claude/streaming";

const ODDITIES: readonly Oddity[] = [
  {
    name: "pings",
    source: STREAMING,
    apply: (frames) => interleave(frames, { event: "ping", data: { type: "ping" } }),
  },
  {
    name: "events of types to come",
    source: STREAMING,
    apply: (frames) => interleave(frames, { event: "new_thing", data: { type: "new_thing", index: 0 } }),
  },
];
