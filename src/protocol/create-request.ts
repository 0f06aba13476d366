/**
 * The body of `POST /v1/responses`.
 *
 * Source: contract 03 §3.1 (parameters and bounds) and §3.2: **the order of the keys is the order in which faults are
 * reported**. Parameters that openai 7.57.0 knows and this schema does not are listed in `LATER_PARAMETERS`.
 */
import { z } from "zod";
import { inputItemSchema } from "./item.ts";
import { toolChoiceSchema, toolSchema } from "./tool.ts";

const INPUT_MAX_CHARACTERS = 10_485_760;

/** `metadata`: at most 16 pairs, keys to 64 characters, values to 512 (contract 03 §3.1). */
export const METADATA_LIMITS = { properties: 16, keyLength: 64, valueLength: 512 } as const;

export const metadataSchema = z
  .record(z.string().max(METADATA_LIMITS.keyLength), z.string().max(METADATA_LIMITS.valueLength))
  .refine((metadata) => Object.keys(metadata).length <= METADATA_LIMITS.properties, {
    params: { fault: "properties", maximum: METADATA_LIMITS.properties },
  });

const jsonSchemaFormatSchema = z.object({
  type: z.literal("json_schema"),
  name: z
    .string()
    .max(64)
    .regex(/^[a-zA-Z0-9_-]+$/),
  schema: z.record(z.string(), z.unknown()),
  description: z.string().nullish(),
  strict: z.boolean().nullish(),
});

export const textFormatSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text") }),
  z.object({ type: z.literal("json_object") }),
  jsonSchemaFormatSchema,
]);

export const textConfigSchema = z.object({
  format: textFormatSchema.nullish(),
  verbosity: z.enum(["low", "medium", "high"]).nullish(),
});

export const reasoningConfigSchema = z.object({
  context: z.enum(["auto", "current_turn", "all_turns"]).nullish(),
  effort: z.enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"]).nullish(),
  mode: z.string().nullish(),
  summary: z.enum(["auto", "concise", "detailed"]).nullish(),
});

export const serviceTierSchema = z.enum(["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"]);
export type ServiceTier = z.infer<typeof serviceTierSchema>;

export const createRequestSchema = z.strictObject({
  model: z.string(),
  input: z.union([z.string().max(INPUT_MAX_CHARACTERS), z.array(inputItemSchema)]).optional(),
  previous_response_id: z.string().nullish(),
  tools: z.array(toolSchema).max(128).nullish(),
  tool_choice: toolChoiceSchema.nullish(),
  metadata: metadataSchema.nullish(),
  text: textConfigSchema.nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_obfuscation: z.boolean().nullish() }).nullish(),
  background: z.boolean().nullish(),
  max_output_tokens: z.int().min(16).nullish(),
  reasoning: reasoningConfigSchema.nullish(),
  instructions: z.string().nullish(),
  store: z.boolean().nullish(),
  service_tier: serviceTierSchema.nullish(),
});
export type CreateRequest = z.infer<typeof createRequestSchema>;

/**
 * Known to openai 7.57.0 and not served yet. They are refused by name (`unsupported_parameter`), never ignored: a
 * client must not believe that a setting took effect.
 */
export const LATER_PARAMETERS = [
  "access_programs",
  "context_management",
  "conversation",
  "frequency_penalty",
  "image",
  "include",
  "max_tool_calls",
  "moderation",
  "presence_penalty",
  "prompt",
  "prompt_cache_key",
  "prompt_cache_options",
  "prompt_cache_retention",
  "safety_identifier",
  "top_logprobs",
  "truncation",
  "user",
] as const;
