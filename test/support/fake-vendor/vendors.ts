/**
 * The fake vendors: their style and their rules. A quirk is one entry with a link to its report. Our own entries for
 * these vendors are in src/providers/vendor-table.ts; neither table is derived from the other.
 */
import { openAnthropic } from "./anthropic.ts";
import { type ChatVendor, openChat } from "./chat.ts";
import { CHAT_ODDITIES } from "./chat-oddities.ts";
import * as rules from "./chat-rules.ts";
import { openGemini } from "./gemini.ts";
import type { VendorDefinition } from "./protocol.ts";
import { openResponses } from "./responses.ts";

const answered = rules.callsAnswered(
  "https://github.com/evalstate/fast-agent/issues/314",
  (ids) =>
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${ids.join(", ")}`,
);
const named = rules.toolsNamedOnce("https://platform.openai.com/docs/api-reference/chat/create");
const ownIds = rules.ownIds("https://github.com/BerriAI/litellm/pull/34523");
const ASSISTANT = ["role", "content", "tool_calls"];

type Definition = Omit<ChatVendor, "oddities"> & { path?: string };

function chat(vendor: string, model: string, definition: Definition): VendorDefinition {
  const { path = "/v1", ...ownRules } = definition;
  return {
    provider: { kind: "openai-compatible", vendor },
    path,
    model,
    open: (memory) =>
      openChat({ ...ownRules, rules: [answered, named, ...ownRules.rules], oddities: CHAT_ODDITIES }, memory),
  };
}

const fields = (names: string) => names.split(" ");
const letters = (n: number, length: number) => n.toString(36).padStart(length, "x").slice(-length);

export const FAKE_VENDORS = {
  openai: {
    provider: { kind: "openai-responses", hosted_tools: [] },
    path: "/v1",
    model: "gpt-5.2",
    open: openResponses,
  },
  vllm: chat("vllm", "Qwen/Qwen3-32B", {
    style: {
      // https://github.com/InternLM/lmdeploy/issues/3412
      callId: (n) => `chatcmpl-tool-${letters(n, 32)}`,
      // https://github.com/vllm-project/vllm/issues/38488
      thinking: "reasoning",
      calls: "pieces",
      usage: "own_chunk",
    },
    rules: [
      rules.systemFirst(
        "https://github.com/vllm-project/vllm/issues/41114",
        "System message must be at the beginning.",
      ),
      rules.alternating(
        "https://github.com/charmbracelet/crush/issues/279",
        "After the optional system message, conversation roles must alternate user/assistant/user/assistant/...",
      ),
      rules.noUserAfterTool("https://github.com/mistralai/mistral-vibe/issues/578"),
    ],
    describe: ({ status: code, message }) => ({ error: { message, type: "BadRequestError", param: null, code } }),
    overloaded: { status: 503, message: "The server is overloaded." },
  }),
  ollama: chat("ollama", "qwen3:8b", {
    style: {
      callId: (n) => `call_${letters(n, 8)}`,
      // https://docs.ollama.com/api/openai-compatibility
      thinking: "reasoning",
      // https://github.com/ollama/ollama/issues/15457
      calls: "whole_at_0",
      usage: "own_chunk",
    },
    rules: [],
    describe: ({ message }) => ({ error: { message, type: "invalid_request_error", param: null, code: null } }),
    overloaded: { status: 503, message: "server busy, please try again.  maximum pending requests exceeded" },
  }),
  mistral: chat("mistral", "magistral-medium-latest", {
    style: {
      callId: (n) => letters(n, 9),
      // https://github.com/symfony/ai/issues/2422
      thinking: "thinking_parts",
      calls: "whole",
      usage: "last_chunk",
    },
    rules: [
      rules.idsFit(
        "https://github.com/anomalyco/opencode/issues/1680",
        /^[A-Za-z0-9]{9}$/,
        (id) => `Tool call id was ${id} but must be a-z, A-Z, 0-9, with a length of 9.`,
      ),
      rules.onlyFields(
        "https://github.com/dnakov/anon-kode/issues/53",
        {
          body: fields(
            "frequency_penalty guardrails max_tokens messages metadata model n parallel_tool_calls prediction presence_penalty prompt_mode random_seed reasoning_effort response_format safe_prompt stop stream temperature tool_choice tools top_p",
          ),
          assistant: [...ASSISTANT, "prefix"],
        },
        (field) => `Extra inputs are not permitted: ${field}`,
        422,
      ),
      rules.systemFirst(
        "https://github.com/swarmauri/swarmauri-sdk/issues/162",
        "Unexpected role 'system' after role 'assistant'",
      ),
      rules.alternating(
        "https://github.com/charmbracelet/crush/issues/279",
        "Unexpected role 'user' after role 'user'",
      ),
      rules.noUserAfterTool("https://github.com/NousResearch/hermes-agent/issues/20154"),
      rules.lastIsNotAssistant("https://github.com/huggingface/smolagents/issues/757"),
      rules.nothingBlank(
        "https://github.com/OpenHands/OpenHands/issues/8685",
        "Assistant message must have either content or tool_calls, but not none.",
      ),
    ],
    describe: ({ status: raw_status_code, message }) => ({
      object: "error",
      message,
      type: "invalid_request_message_order",
      param: null,
      code: "3230",
      raw_status_code,
    }),
    overloaded: { status: 429, message: "Service tier capacity exceeded for this model." },
  }),
  deepseek: chat("deepseek", "deepseek-v4-pro", {
    path: "",
    style: {
      callId: (n) => `call_00_${letters(n, 24)}`,
      thinking: "reasoning_content",
      calls: "pieces",
      usage: "last_chunk",
      isThinkingOff: rules.isThinkingDisabled,
    },
    rules: [
      rules.reasoningReturned(
        "https://api-docs.deepseek.com/guides/thinking_mode",
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
      ),
      rules.noForcedCallWhileThinking(
        "https://github.com/deepseek-ai/DeepSeek-V3/issues/1376",
        "Thinking mode does not support this tool_choice",
      ),
      rules.nothingBlank(
        "https://github.com/OnesoftQwQ/opencode-go-copilot/issues/24",
        "Invalid assistant message: content or tool_calls must be set",
      ),
    ],
    describe: ({ message }) => ({
      error: { message, type: "invalid_request_error", param: null, code: "invalid_request_error" },
    }),
    overloaded: { status: 503, message: "Service is too busy." },
  }),
  groq: chat("groq", "openai/gpt-oss-120b", {
    path: "/openai/v1",
    style: { callId: (n) => `fc_${letters(n, 36)}`, thinking: "reasoning", calls: "whole", usage: "x_groq" },
    rules: [
      rules.onlyFields(
        "https://github.com/tashfeenahmed/freellmapi/issues/1070",
        {
          body: fields(
            "frequency_penalty include_reasoning max_completion_tokens max_tokens messages metadata model n parallel_tool_calls presence_penalty reasoning_effort reasoning_format response_format seed service_tier stop stream stream_options temperature tool_choice tools top_p user",
          ),
          assistant: [...ASSISTANT, "name"],
        },
        (field, index) =>
          index === undefined
            ? `property '${field}' is unsupported`
            : `'messages.${index}' : for 'role:assistant' the following must be satisfied[('messages.${index}' : property '${field}' is unsupported)]`,
      ),
    ],
    describe: ({ message }) => ({ error: { message, type: "invalid_request_error" } }),
    overloaded: { status: 498, message: "Flex tier capacity exceeded." },
  }),
  openrouter: chat("openrouter", "moonshotai/kimi-k3", {
    path: "/api/v1",
    style: {
      // Kimi's own: https://github.com/musistudio/claude-code-router/issues/1808
      callId: (n, name) => `functions.${name}:${n}`,
      // https://openrouter.ai/docs/guides/best-practices/reasoning-tokens#preserving-reasoning
      thinking: "reasoning_details",
      calls: "pieces",
      usage: "own_chunk",
    },
    rules: [
      rules.idsFit(
        "https://github.com/openclaw/openclaw/pull/875",
        /^.{1,40}$/s,
        (id, index) =>
          `Invalid 'messages[${index}].tool_calls[0].id': string too long. Expected a string with maximum length 40, but got a string with length ${id.length} instead.`,
      ),
      ownIds,
      rules.detailsReturned("https://openrouter.ai/docs/guides/best-practices/reasoning-tokens#preserving-reasoning"),
    ],
    describe: ({ status: code, message }) => ({ error: { message, code, metadata: { provider_name: "Moonshot" } } }),
    overloaded: { status: 502, message: "Provider returned error" },
  }),
  moonshot: chat("moonshot", "kimi-k3", {
    style: {
      callId: (n, name) => `functions.${name}:${1_000 + n}`,
      thinking: "reasoning_content",
      calls: "pieces",
      usage: "last_chunk",
      isThinkingOff: rules.isThinkingDisabled,
    },
    rules: [
      ownIds,
      rules.reasoningReturned(
        "https://github.com/continuedev/continue/issues/11600",
        "thinking is enabled but reasoning_content is missing in assistant tool call message",
      ),
      rules.noForcedCallWhileThinking(
        "https://github.com/can1357/oh-my-pi/pull/1078",
        "tool_choice is incompatible with thinking enabled",
      ),
    ],
    describe: ({ message }) => ({ error: { message, type: "invalid_request_error" } }),
    overloaded: { status: 429, message: "The engine is currently overloaded, please try again later" },
  }),
  gemini: chat("gemini", "gemini-3-pro-preview", {
    path: "/v1beta/openai",
    style: {
      callId: (n) => `function-call-${String(n).padStart(19, "7")}`,
      thinking: "reasoning_content",
      calls: "whole",
      signsCalls: true,
      usage: "last_chunk",
    },
    rules: [
      rules.signaturesReturned("https://github.com/securo-finance/securo/issues/884"),
      rules.schemaKeywords("https://github.com/openswarm-ai/openswarm/issues/24", [
        "$schema",
        "additionalProperties",
        "const",
        "propertyNames",
      ]),
    ],
    describe: ({ status: code, message }) => [{ error: { code, message, status: "INVALID_ARGUMENT" } }],
    overloaded: { status: 503, message: "The model is overloaded. Please try again later." },
  }),
  anthropic: { provider: { kind: "anthropic" }, path: "/v1", model: "claude-opus-4-5", open: openAnthropic },
  google: { provider: { kind: "google" }, path: "/v1beta", model: "gemini-3-pro-preview", open: openGemini },
} as const satisfies Record<string, VendorDefinition>;

export type FakeVendorName = keyof typeof FAKE_VENDORS;

export const FAKE_VENDOR_NAMES = Object.keys(FAKE_VENDORS) as FakeVendorName[];
