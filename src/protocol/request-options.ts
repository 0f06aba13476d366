/** Objects among a request's parameters that the response echoes. Source: contract.md#parameters, openai 7.59.0. */
import { z } from "zod";
import { bounded } from "./bounded.ts";
import { answeredContentSchema, inputContentSchema } from "./content.ts";

/** `metadata`: at most 16 pairs, keys up to 64 characters, values up to 512 (contract.md#parameters). */
const METADATA_LIMITS = { properties: 16, keyLength: 64, valueLength: 512 } as const;

export const metadataSchema = z
  .record(z.string().max(METADATA_LIMITS.keyLength), z.string().max(METADATA_LIMITS.valueLength))
  .refine((metadata) => Object.keys(metadata).length <= METADATA_LIMITS.properties, {
    params: { kind: "properties", maximum: METADATA_LIMITS.properties },
  });

/** `client_metadata` is not stored, so only the cost of reading it is limited. */
const CLIENT_METADATA_LIMITS = { properties: 64, keyLength: 128 } as const;

/**
 * A client's description of itself. Not in the published types; Codex sends it with every request
 * (contract.md#client-metadata).
 */
export const clientMetadataSchema = z
  .record(z.string().max(CLIENT_METADATA_LIMITS.keyLength), z.unknown())
  .refine((metadata) => Object.keys(metadata).length <= CLIENT_METADATA_LIMITS.properties, {
    params: { kind: "properties", maximum: CLIENT_METADATA_LIMITS.properties },
  });

const jsonSchemaFormatSchema = z.strictObject({
  type: z.literal("json_schema"),
  name: z
    .string()
    .max(64)
    .regex(/^[a-zA-Z0-9_-]+$/),
  schema: z.record(bounded.name, z.unknown()),
  description: bounded.description.nullish(),
  strict: z.boolean().nullish(),
});

const plainTextSchema = z.strictObject({ type: z.literal("text") });
const jsonObjectSchema = z.strictObject({ type: z.literal("json_object") });

export const textFormatSchema = z.discriminatedUnion("type", [
  plainTextSchema,
  jsonObjectSchema,
  jsonSchemaFormatSchema,
]);

const verbositySchema = z.enum(["low", "medium", "high"]);

export const textConfigSchema = z.strictObject({
  format: textFormatSchema.nullish(),
  verbosity: verbositySchema.nullish(),
});

export const responseTextConfigSchema = z.object({
  format: z.discriminatedUnion("type", [
    plainTextSchema,
    jsonObjectSchema,
    z.object({
      ...jsonSchemaFormatSchema.shape,
      name: z.string(),
      description: z.string().nullable(),
      strict: z.boolean().nullable().exactOptional(),
    }),
  ]),
  verbosity: verbositySchema,
});
export type ResponseTextConfig = z.infer<typeof responseTextConfigSchema>;

export const reasoningEffortSchema = z.enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"]);

export const reasoningConfigSchema = z.strictObject({
  context: z.enum(["auto", "current_turn", "all_turns"]).nullish(),
  effort: reasoningEffortSchema.nullish(),
  /**
   * The old name of `summary`. The hosted API rejects it as unknown (contract.md#parameters), so it must not appear to
   * work.
   */
  generate_summary: z.never().optional(),
  mode: bounded.name.nullish(),
  summary: z.enum(["auto", "concise", "detailed"]).nullish(),
});

export const responseReasoningSchema = z.object({
  context: z.enum(["auto", "current_turn", "all_turns"]).nullable(),
  effort: reasoningEffortSchema.nullable(),
  mode: z.string().exactOptional(),
  summary: z.enum(["auto", "concise", "detailed"]).nullable(),
});

export const serviceTierSchema = z.enum(["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"]);
export type ServiceTier = z.infer<typeof serviceTierSchema>;

/**
 * The completion window of a background response, and its related responses (contract.md#completion-windows).
 * `continuation_id` has no published limit; this one exceeds that of other ids (64), because a hint should not fail a
 * run.
 */
export const backgroundOptionsSchema = z.strictObject({
  completion_window: z.enum(["soonest", "2h", "8h"]).nullish(),
  continuation_id: z.string().min(1).max(256).nullish(),
});

/** Optional output that a client may request (openai 7.59.0 `ResponseIncludable`). */
export const includableSchema = z.enum([
  "file_search_call.results",
  "web_search_call.results",
  "web_search_call.action.sources",
  "message.input_image.image_url",
  "computer_call_output.output.image_url",
  "code_interpreter_call.outputs",
  "reasoning.encrypted_content",
  "message.output_text.logprobs",
]);

const moderationPolicySchema = z.strictObject({ mode: z.enum(["score", "block"]) });

export const moderationSchema = z.strictObject({
  model: bounded.name,
  policy: z
    .strictObject({ input: moderationPolicySchema.nullish(), output: moderationPolicySchema.nullish() })
    .nullish(),
});

const cacheModeSchema = z.enum(["implicit", "explicit"]);
const cacheTtlSchema = z.enum(["30m", "12h"]);

export const promptCacheOptionsSchema = z.strictObject({
  comparison_response_id: bounded.identifier.nullish(),
  mode: cacheModeSchema.nullish(),
  prewarm: z.boolean().nullish(),
  ttl: cacheTtlSchema.nullish(),
});

export const responsePromptCacheOptionsSchema = z.object({
  mode: cacheModeSchema,
  ttl: cacheTtlSchema,
  comparison_response_id: z.string().exactOptional(),
});

export const promptCacheRetentionSchema = z.enum(["in_memory", "24h"]);

const promptVariableSchema = z.union([bounded.text, inputContentSchema]);
const promptVariablesSchema = z.record(bounded.name, promptVariableSchema);
export type PromptVariables = z.infer<typeof promptVariablesSchema>;

/** zod drops a key named `__proto__`. It is not a valid variable name and is rejected like any other. */
function rejectProto(variables: PromptVariables, context: z.RefinementCtx): PromptVariables {
  if (typeof variables === "object" && variables !== null && Object.hasOwn(variables, "__proto__")) {
    context.addIssue({ code: "unrecognized_keys", keys: ["__proto__"], input: variables });
  }
  return variables;
}

export const promptSchema = z.strictObject({
  id: bounded.identifier,
  variables: z.preprocess(rejectProto, promptVariablesSchema).nullish(),
  version: bounded.identifier.nullish(),
});

export const responsePromptSchema = z.object({
  id: z.string(),
  variables: z.record(z.string(), z.union([z.string(), answeredContentSchema])).nullable(),
  version: z.string().nullable(),
});

/** Maximum characters of an id that an error repeats. */
const SHOWN_ID_LENGTH = 100;

/** Malformed ids get 400; a well-formed unknown id gets 404 (contract.md#conversations). */
const conversationIdSchema = bounded.identifier.refine((id) => id.startsWith("conv"), {
  error: ({ input }) => `'${String(input).slice(0, SHOWN_ID_LENGTH)}'. Expected an ID that begins with 'conv'.`,
});
export const conversationSchema = z.union([conversationIdSchema, z.strictObject({ id: conversationIdSchema })]);

/** The published type allows any string as `type`, but its description knows only `compaction`. */
export const contextManagementSchema = z
  .array(z.strictObject({ type: z.enum(["compaction"]), compact_threshold: z.int().min(1_000).nullish() }))
  .min(1);

const cyberProgramSchema = z.enum(["standard", "daybreak_blue", "daybreak_red"]);
export const accessProgramsSchema = z.strictObject({ cyber: cyberProgramSchema.nullish() });
export const responseAccessProgramsSchema = z.object({ cyber: cyberProgramSchema });

export const imageOptionsSchema = z.strictObject({
  context_compression: z.enum(["auto", "enabled", "disabled"]).nullish(),
});
export const responseImageOptionsSchema = z.object({ context_compression: z.enum(["enabled", "disabled"]) });

export const streamOptionsSchema = z.strictObject({
  include_obfuscation: z.boolean().nullish(),
  /**
   * Not in the published types; Codex sends it. The server streams summaries as the provider sends them, regardless of
   * it.
   */
  reasoning_summary_delivery: z.string().max(64).nullish(),
});

export const truncationSchema = z.enum(["auto", "disabled"]);
