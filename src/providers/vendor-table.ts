/**
 * The traits of each vendor with their sources: documentation, or a public report of what happens otherwise. Traits not
 * listed here have the value in DEFAULT_TRAITS (vendor-traits.ts).
 */
import type { TraitName, VendorTraits } from "./vendor-traits.ts";

type SourcedTraits = { [Name in TraitName]?: readonly [value: VendorTraits[Name], source: `https://${string}`] };

export interface VendorEntry {
  /** Hosts of the vendor's API, including subdomains; with `*`, hosts with that suffix. */
  hosts: readonly string[];
  /** Its `gen_ai.provider.name` in OpenTelemetry's conventions, if they have one. */
  traceName?: string;
  traits: SourcedTraits;
}

/** Models behind these servers have their own chat templates, many of which reject an order that others accept. */
const TEMPLATES = {
  late_system: ["as_user", "https://github.com/vllm-project/vllm/issues/41114"],
  same_role: ["joined", "https://github.com/charmbracelet/crush/issues/279"],
  user_after_tool: ["separated", "https://github.com/mistralai/mistral-vibe/issues/578"],
} as const satisfies SourcedTraits;

export const VENDORS = {
  openai: {
    hosts: ["api.openai.com", "openai.azure.com"],
    traceName: "openai",
    traits: {
      call_ids: ["up_to_40", "https://github.com/vercel/ai/issues/5171"],
      reasoning_sent: ["none", "https://platform.openai.com/docs/api-reference/chat/create"],
      state_returned: [[], "https://platform.openai.com/docs/api-reference/chat/create"],
      tool_images: ["as_user", "https://github.com/OpenHands/OpenHands/issues/7700"],
      max_tokens_field: ["max_completion_tokens", "https://platform.openai.com/docs/api-reference/chat/create"],
      documents: ["pdf", "https://developers.openai.com/api/docs/guides/file-inputs"],
    },
  },
  vllm: {
    hosts: [],
    traits: {
      ...TEMPLATES,
      think_tags: ["written", "https://github.com/vllm-project/vllm/issues/34625"],
      reasoning_field: ["reasoning", "https://github.com/vllm-project/vllm/issues/38488"],
      state_returned: [[], "https://docs.vllm.ai/en/latest/features/reasoning_outputs.html"],
      continuation: ["continue_final_message", "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"],
    },
  },
  sglang: {
    hosts: [],
    traits: {
      ...TEMPLATES,
      think_tags: ["written", "https://docs.sglang.ai/advanced_features/separate_reasoning.html"],
      state_returned: [[], "https://docs.sglang.ai/advanced_features/separate_reasoning.html"],
      continuation: ["continue_final_message", "https://docs.sglang.ai/basic_usage/openai_api_completions.html"],
    },
  },
  ollama: {
    hosts: ["ollama.com"],
    traits: {
      think_tags: ["written", "https://github.com/RooCodeInc/Roo-Code/issues/1087"],
      reasoning_field: ["reasoning", "https://docs.ollama.com/api/openai-compatibility"],
      state_returned: [[], "https://docs.ollama.com/api/openai-compatibility"],
      tool_choice_none: ["without_tools", "https://github.com/ollama/ollama/issues/17921"],
      tool_choice_named: ["only_that_tool", "https://github.com/ollama/ollama/issues/17921"],
    },
  },
  llamacpp: {
    hosts: [],
    traits: {
      ...TEMPLATES,
      think_tags: ["written", "https://github.com/ggml-org/llama.cpp/issues/25292"],
      late_system: ["as_user", "https://github.com/Realiserad/fish-ai/issues/622"],
      state_returned: [[], "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md"],
      tool_choice_named: ["only_that_tool", "https://github.com/ggml-org/llama.cpp/issues/26535"],
    },
  },
  lmstudio: {
    hosts: [],
    traits: {
      ...TEMPLATES,
      think_tags: ["written", "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/1569"],
      state_returned: [[], "https://lmstudio.ai/docs/developer/openai-compat"],
      tool_choice_named: ["only_that_tool", "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/670"],
    },
  },
  mistral: {
    hosts: ["mistral.ai"],
    traceName: "mistral_ai",
    traits: {
      call_ids: ["nine_alphanumerics", "https://github.com/anomalyco/opencode/issues/1680"],
      reasoning_sent: ["none", "https://github.com/BerriAI/litellm/issues/30835"],
      state_returned: [[], "https://github.com/BerriAI/litellm/issues/30835"],
      late_system: ["as_user", "https://github.com/swarmauri/swarmauri-sdk/issues/162"],
      same_role: ["joined", "https://github.com/charmbracelet/crush/issues/279"],
      user_after_tool: ["separated", "https://github.com/NousResearch/hermes-agent/issues/20154"],
      final_assistant: ["answered", "https://github.com/huggingface/smolagents/issues/757"],
      blank_text: ["left_out", "https://github.com/OpenHands/OpenHands/issues/8685"],
      parameters_left_out: [
        ["logprobs", "stream_options", "top_logprobs", "user", "verbosity"],
        "https://github.com/dnakov/anon-kode/issues/53",
      ],
      continuation: ["prefix", "https://docs.mistral.ai/capabilities/completion/prefix"],
    },
  },
  deepseek: {
    hosts: ["deepseek.com"],
    traceName: "deepseek",
    traits: {
      reasoning_sent: ["turns_with_calls", "https://api-docs.deepseek.com/guides/thinking_mode"],
      state_returned: [[], "https://api-docs.deepseek.com/api/create-chat-completion"],
      forced_call_thinking: ["switched_off", "https://github.com/deepseek-ai/DeepSeek-V3/issues/1376"],
      thinking_off: ["thinking_disabled", "https://api-docs.deepseek.com/guides/thinking_mode"],
      json_schema: ["as_instruction", "https://github.com/llm-exe/llm-exe/issues/662"],
      blank_text: ["left_out", "https://github.com/OnesoftQwQ/opencode-go-copilot/issues/24"],
    },
  },
  groq: {
    hosts: ["groq.com"],
    traceName: "groq",
    traits: {
      think_tags: ["written", "https://github.com/inference-gateway/inference-gateway/pull/71"],
      reasoning_sent: ["none", "https://github.com/tashfeenahmed/freellmapi/issues/1070"],
      state_returned: [[], "https://github.com/tashfeenahmed/freellmapi/issues/1070"],
      max_tokens_field: ["max_completion_tokens", "https://console.groq.com/docs/api-reference"],
      parameters_left_out: [["logprobs", "top_logprobs"], "https://console.groq.com/docs/openai"],
    },
  },
  cerebras: {
    hosts: ["cerebras.ai"],
    traits: {
      reasoning_sent: ["none", "https://github.com/Kilo-Org/kilocode/issues/10375"],
      state_returned: [[], "https://github.com/Kilo-Org/kilocode/issues/10375"],
    },
  },
  moonshot: {
    hosts: ["moonshot.ai", "moonshot.cn"],
    traits: {
      reasoning_sent: ["turns_with_calls", "https://github.com/continuedev/continue/issues/11600"],
      state_returned: [[], "https://platform.moonshot.ai/docs/api/chat"],
      forced_call_thinking: ["switched_off", "https://github.com/can1357/oh-my-pi/pull/1078"],
      thinking_off: ["thinking_disabled", "https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model"],
    },
  },
  openrouter: {
    hosts: ["openrouter.ai"],
    traits: {
      call_ids: ["up_to_40", "https://github.com/openclaw/openclaw/pull/875"],
      reasoning_field: ["reasoning", "https://openrouter.ai/docs/guides/best-practices/reasoning-tokens"],
      state_returned: [
        ["reasoning_details"],
        "https://openrouter.ai/docs/guides/best-practices/reasoning-tokens#preserving-reasoning",
      ],
      documents: ["pdf", "https://openrouter.ai/docs/features/multimodal/pdfs"],
    },
  },
  /** Gemini's endpoint for chat completions. */
  gemini: {
    hosts: ["generativelanguage.googleapis.com", "aiplatform.googleapis.com", "*-aiplatform.googleapis.com"],
    traceName: "gcp.gemini",
    traits: {
      reasoning_sent: ["none", "https://ai.google.dev/gemini-api/docs/openai"],
      state_returned: [["extra_content"], "https://ai.google.dev/gemini-api/docs/thought-signatures"],
      unsigned_calls: ["placeholder", "https://ai.google.dev/gemini-api/docs/thought-signatures"],
      parameters_left_out: [
        ["frequency_penalty", "presence_penalty"],
        "https://github.com/sleepydeer666/RPGBox/issues/2",
      ],
      schema_keywords_left_out: [
        ["$schema", "additionalProperties", "const", "propertyNames"],
        "https://github.com/openswarm-ai/openswarm/issues/24",
      ],
      schema_type_lists: ["nullable", "https://github.com/Kilo-Org/kilocode/issues/5333"],
    },
  },
  anthropic: {
    hosts: ["api.anthropic.com"],
    traceName: "anthropic",
    traits: {
      call_ids: ["word_characters", "https://docs.anthropic.com/en/api/messages"],
      call_id_prefix: ["toolu_", "https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview"],
      reasoning_sent: ["none", "https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking"],
      state_returned: [[], "https://docs.anthropic.com/en/api/openai-sdk"],
      late_system: ["as_user", "https://docs.anthropic.com/en/api/messages"],
      final_assistant: ["answered", "https://github.com/llm-exe/llm-exe/issues/503"],
      blank_text: ["left_out", "https://github.com/LibreChat-AI/agents/pull/124"],
      forced_call_thinking: ["switched_off", "https://github.com/run-llama/llama_index/issues/19641"],
      unsigned_turn_thinking: [
        "switched_off",
        "https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking#preserving-thinking-blocks",
      ],
      json_mode: ["as_instruction", "https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs"],
      documents: ["pdf", "https://platform.claude.com/docs/en/build-with-claude/pdf-support"],
    },
  },
  /** Google's own protocol. */
  google: {
    hosts: [],
    traceName: "gcp.gemini",
    traits: {
      reasoning_sent: ["none", "https://ai.google.dev/gemini-api/docs/thought-signatures"],
      state_returned: [[], "https://ai.google.dev/gemini-api/docs/thought-signatures"],
      late_system: ["as_user", "https://ai.google.dev/api/generate-content"],
      documents: ["pdf", "https://ai.google.dev/gemini-api/docs/document-processing"],
    },
  },
  /** A server about which nothing is known. */
  generic: { hosts: [], traits: {} },
} as const satisfies Record<string, VendorEntry>;
