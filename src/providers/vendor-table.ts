/**
 * Which vendor has which trait, and where that is said: its documentation, or a public report of what happens otherwise.
 * A trait that is not here is as DEFAULT_TRAITS (vendor-traits.ts) has it.
 */
import type { TraitName, VendorTraits } from "./vendor-traits.ts";

type Said = { [Name in TraitName]?: readonly [value: VendorTraits[Name], source: `https://${string}`] };

export interface VendorEntry {
  /** Hosts of its API, and all below them. */
  hosts: readonly string[];
  traits: Said;
}

const TEMPLATES = {
  late_system: ["as_user", "https://github.com/vllm-project/vllm/issues/41114"],
  same_role: ["joined", "https://github.com/charmbracelet/crush/issues/279"],
} as const satisfies Said;

export const VENDORS = {
  openai: {
    hosts: ["api.openai.com"],
    traits: {
      call_ids: ["up_to_40", "https://github.com/vercel/ai/issues/5171"],
      think_tags: ["none", "https://platform.openai.com/docs/guides/reasoning"],
      reasoning_sent: ["none", "https://platform.openai.com/docs/api-reference/chat/create"],
      state_returned: [[], "https://platform.openai.com/docs/api-reference/chat/create"],
      max_tokens_field: ["max_completion_tokens", "https://platform.openai.com/docs/api-reference/chat/create"],
    },
  },
  vllm: {
    hosts: [],
    traits: {
      ...TEMPLATES,
      state_returned: [[], "https://docs.vllm.ai/en/latest/features/reasoning_outputs.html"],
      continuation: ["continue_final_message", "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"],
    },
  },
  sglang: {
    hosts: [],
    traits: {
      ...TEMPLATES,
      state_returned: [[], "https://docs.sglang.ai/advanced_features/separate_reasoning.html"],
      continuation: ["continue_final_message", "https://docs.sglang.ai/basic_usage/openai_api_completions.html"],
    },
  },
  ollama: {
    hosts: ["ollama.com"],
    traits: {
      reasoning_field: ["reasoning", "https://docs.ollama.com/api/openai-compatibility"],
      tool_choice_none: ["without_tools", "https://github.com/ollama/ollama/issues/17921"],
      tool_choice_named: ["only_that_tool", "https://github.com/ollama/ollama/issues/17921"],
    },
  },
  llamacpp: {
    hosts: [],
    traits: {
      late_system: ["as_user", "https://github.com/Realiserad/fish-ai/issues/622"],
      same_role: ["joined", "https://github.com/charmbracelet/crush/issues/279"],
      tool_choice_named: ["only_that_tool", "https://github.com/ggml-org/llama.cpp/issues/26535"],
    },
  },
  mistral: {
    hosts: ["mistral.ai"],
    traits: {
      call_ids: ["nine_alphanumerics", "https://github.com/anomalyco/opencode/issues/1680"],
      reasoning_sent: ["none", "https://github.com/BerriAI/litellm/issues/30835"],
      user_after_tool: ["separated", "https://github.com/NousResearch/hermes-agent/issues/20154"],
      continuation: ["prefix", "https://docs.mistral.ai/capabilities/completion/prefix"],
    },
  },
  deepseek: {
    hosts: ["deepseek.com"],
    traits: {
      reasoning_sent: ["turns_with_calls", "https://api-docs.deepseek.com/guides/thinking_mode"],
      forced_call_thinking: ["disabled", "https://github.com/deepseek-ai/DeepSeek-V3/issues/1376"],
    },
  },
  groq: {
    hosts: ["groq.com"],
    traits: {
      reasoning_sent: ["none", "https://github.com/tashfeenahmed/freellmapi/issues/1070"],
    },
  },
  openrouter: {
    hosts: ["openrouter.ai"],
    traits: {
      reasoning_field: ["reasoning", "https://openrouter.ai/docs/use-cases/reasoning-tokens"],
      state_returned: [["reasoning_details"], "https://openrouter.ai/docs/use-cases/reasoning-tokens"],
    },
  },
  /** Its endpoint of chat completions. */
  gemini: {
    hosts: ["generativelanguage.googleapis.com", "aiplatform.googleapis.com"],
    traits: {
      state_returned: [["extra_content"], "https://ai.google.dev/gemini-api/docs/thought-signatures"],
      unsigned_calls: ["placeholder", "https://ai.google.dev/gemini-api/docs/thought-signatures"],
      parameters_left_out: [["frequency_penalty"], "https://github.com/versun/RSSBox/issues/132"],
    },
  },
  anthropic: {
    hosts: ["api.anthropic.com"],
    traits: {
      call_ids: ["word_characters", "https://docs.anthropic.com/en/api/messages"],
      late_system: ["as_user", "https://docs.anthropic.com/en/api/messages"],
      blank_text: ["left_out", "https://github.com/LibreChat-AI/agents/pull/124"],
      json_mode: ["as_instruction", "https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs"],
    },
  },
  /** Its own protocol. */
  google: {
    hosts: [],
    traits: {
      late_system: ["as_user", "https://ai.google.dev/api/generate-content"],
    },
  },
  generic: { hosts: [], traits: {} },
} as const satisfies Record<string, VendorEntry>;
