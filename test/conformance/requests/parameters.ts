/** Every parameter of a request (contract.md#parameters), with the values at its limits and just beyond them. */
import type { createRequestSchema } from "../../../src/protocol/create-request.ts";
import { LONG_PARAMETERS } from "./long-parameters.ts";
import { bounded, missing, oneOf, type Rejected, type Row, tooLong, tooShort, unsupported, wrongType } from "./rows.ts";

const flag = (name: string): Row => ({
  accepted: [{ fields: { [name]: true } }, { fields: { [name]: false } }],
  rejected: [wrongType(name, { [name]: "yes" }, "a boolean", "a string")],
});

/** Only this server reads it. */
const unforwarded = (name: string): Row => ({
  accepted: [],
  rejected: [wrongType(name, { [name]: "yes" }, "a boolean", "a string")],
});

const text = (name: string, max?: number): Row => ({
  accepted: [{ fields: { [name]: "x".repeat(max ?? 5_000) } }],
  rejected: [
    wrongType(name, { [name]: 7 }, "a string", "an integer"),
    ...(max === undefined ? [] : [tooLong(name, { [name]: "x".repeat(max + 1) }, max)]),
  ],
});

const notOfConversation = (param: string, fields: Rejected["fields"]): Rejected => ({
  fields,
  param,
  code: "invalid_value",
  message: `Invalid '${param}': 'thread_1'. Expected an ID that begins with 'conv'.`,
});

const pairs = (count: number, length: number): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [String(i).padStart(length, "k"), { nested: [i] }]));

const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
const TIERS = ["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"];
/** As shown after the response has ended. */
const SETTLED: Record<string, string> = { auto: "default", fast: "priority" };

/** effect-suite.ts tests further effects of some under the same titles. */
export const PARAMETERS: Record<keyof typeof createRequestSchema.shape, Row> = {
  ...LONG_PARAMETERS,
  model: {
    accepted: [{ fields: { model: "openai/egret" }, sent: { model: "egret" } }],
    rejected: [
      wrongType("model", { model: 7 }, "a string", "an integer"),
      {
        fields: { model: "" },
        param: "model",
        code: "model_not_found",
        message: "The requested model '' does not exist.",
      },
    ],
  },
  previous_response_id: {
    accepted: [],
    rejected: [wrongType("previous_response_id", { previous_response_id: 7 }, "a string", "an integer")],
  },
  conversation: {
    accepted: [],
    rejected: [
      wrongType("conversation", { conversation: 7 }, "one of a string or an object", "an integer"),
      missing("conversation.id", { conversation: {} }),
      notOfConversation("conversation", { conversation: "thread_1" }),
      notOfConversation("conversation.id", { conversation: { id: "thread_1" } }),
    ],
  },
  prompt: {
    accepted: [],
    rejected: [
      wrongType("prompt", { prompt: "pmpt_1" }, "an object", "a string"),
      missing("prompt.id", { prompt: {} }),
    ],
  },
  moderation: {
    accepted: [
      {
        fields: { moderation: { model: "omni", policy: { input: { mode: "score" } } } },
        shown: { moderation: null },
      },
    ],
    rejected: [
      missing("moderation.model", { moderation: {} }),
      unsupported(
        "moderation.policy.input.mode",
        { moderation: { model: "omni", policy: { input: { mode: "zzz" } } } },
        ["score", "block"],
      ),
    ],
  },
  temperature: bounded("temperature", "decimal", 0, 2),
  top_p: bounded("top_p", "decimal", 0, 1),
  presence_penalty: bounded("presence_penalty", "decimal", -2, 2),
  frequency_penalty: bounded("frequency_penalty", "decimal", -2, 2),
  parallel_tool_calls: flag("parallel_tool_calls"),
  stream: unforwarded("stream"),
  background: unforwarded("background"),
  store: unforwarded("store"),
  stream_options: {
    accepted: [{ fields: { stream_options: {} }, shown: {}, sent: null }],
    rejected: [
      wrongType(
        "stream_options.include_obfuscation",
        { stream_options: { include_obfuscation: 1 } },
        "a boolean",
        "an integer",
      ),
    ],
  },
  background_options: {
    accepted: [
      {
        fields: { background_options: { completion_window: "soonest", continuation_id: "x".repeat(256) } },
        shown: {},
        sent: null,
      },
      { fields: { background_options: { completion_window: null, continuation_id: null } }, shown: {}, sent: null },
    ],
    rejected: [
      wrongType("background_options", { background_options: "8h" }, "an object", "a string"),
      unsupported("background_options.completion_window", { background_options: { completion_window: "zzz" } }, [
        "soonest",
        "2h",
        "8h",
      ]),
      tooShort("background_options.continuation_id", { background_options: { continuation_id: "" } }, 1),
      tooLong("background_options.continuation_id", { background_options: { continuation_id: "x".repeat(257) } }, 256),
      {
        fields: { background_options: { zzz: 1 } },
        param: "background_options.zzz",
        code: "unknown_parameter",
        message: "Unknown parameter: 'background_options.zzz'.",
      },
    ],
  },
  max_output_tokens: bounded("max_output_tokens", "integer", 16, undefined),
  max_tool_calls: bounded("max_tool_calls", "integer", 1, undefined),
  reasoning: {
    accepted: [
      ...EFFORTS.map((effort) => ({ fields: { reasoning: { effort } } })),
      { fields: { reasoning: { summary: "detailed", context: "all_turns", mode: "pro" } } },
    ],
    rejected: [
      unsupported("reasoning.effort", { reasoning: { effort: "zzz" } }, EFFORTS),
      unsupported("reasoning.summary", { reasoning: { summary: "zzz" } }, ["auto", "concise", "detailed"]),
      {
        fields: { reasoning: { generate_summary: "auto" } },
        param: "reasoning.generate_summary",
        code: "unknown_parameter",
        message: "Unknown parameter: 'reasoning.generate_summary'.",
      },
    ],
  },
  user: text("user", 65_536),
  instructions: text("instructions", 10_485_760),
  safety_identifier: text("safety_identifier", 128),
  prompt_cache_key: text("prompt_cache_key", 64),
  prompt_cache_retention: oneOf("prompt_cache_retention", ["in_memory", "24h"]),
  prompt_cache_options: {
    accepted: [
      {
        fields: { prompt_cache_options: { mode: "explicit", prewarm: true } },
        shown: { prompt_cache_options: { mode: "explicit", ttl: "30m" } },
      },
      {
        fields: { prompt_cache_options: { comparison_response_id: "resp_1", ttl: "12h" } },
        shown: { prompt_cache_options: { mode: "implicit", ttl: "12h", comparison_response_id: "resp_1" } },
        sent: { prompt_cache_options: { ttl: "12h" } },
      },
    ],
    rejected: [
      unsupported("prompt_cache_options.ttl", { prompt_cache_options: { ttl: "zzz" } }, ["30m", "12h"]),
      unsupported("prompt_cache_options.mode", { prompt_cache_options: { mode: "zzz" } }, ["implicit", "explicit"]),
    ],
  },
  truncation: oneOf("truncation", ["auto", "disabled"]),
  service_tier: {
    ...oneOf("service_tier", TIERS),
    accepted: TIERS.map((tier) => ({
      fields: { service_tier: tier },
      shown: { service_tier: SETTLED[tier] ?? tier },
    })),
  },
  top_logprobs: bounded("top_logprobs", "integer", 0, 20),
  context_management: {
    accepted: [],
    rejected: [
      tooShort("context_management", { context_management: [] }, 1, "array"),
      unsupported("context_management[0].type", { context_management: [{ type: "zzz" }] }, ["compaction"]),
    ],
  },
  access_programs: {
    accepted: [{ fields: { access_programs: { cyber: "daybreak_red" } } }],
    rejected: [
      unsupported("access_programs.cyber", { access_programs: { cyber: "zzz" } }, [
        "standard",
        "daybreak_blue",
        "daybreak_red",
      ]),
    ],
  },
  image: {
    accepted: [
      { fields: { image: { context_compression: "enabled" } } },
      { fields: { image: { context_compression: "auto" } }, shown: {} },
    ],
    rejected: [
      unsupported("image.context_compression", { image: { context_compression: "zzz" } }, [
        "auto",
        "enabled",
        "disabled",
      ]),
    ],
  },
  client_metadata: {
    accepted: [
      { fields: { client_metadata: { session_id: "s", "x-codex-turn-metadata": "{}" } }, shown: {}, sent: null },
      { fields: { client_metadata: pairs(64, 128) }, shown: {}, sent: null },
    ],
    rejected: [
      wrongType("client_metadata", { client_metadata: "s" }, "an object", "a string"),
      {
        fields: { client_metadata: pairs(65, 128) },
        param: "client_metadata",
        code: "object_above_max_properties",
        message:
          "Invalid 'client_metadata': too many properties. Expected an object with at most 64 properties, but got an object with 65 properties instead.",
      },
    ],
  },
};
