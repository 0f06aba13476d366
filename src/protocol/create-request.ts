/**
 * The body of `POST /v1/responses`: every parameter of openai 7.59.0, two that it dropped, and one of Codex. Source:
 * contract.md#parameters and contract.md#order-of-errors: **errors are reported in the order of the keys**. Null means
 * omitted.
 */
import { z } from "zod";
import { bounded } from "./bounded.ts";
import { inputItemSchema } from "./item.ts";
import { instructionMessageSchema } from "./items/message.ts";
import * as settings from "./request-options.ts";
import { toolChoiceSchema, toolSchema } from "./tool.ts";

const penaltySchema = z.number().min(-2).max(2);

export const createRequestSchema = z.strictObject({
  /** Optional, because the prompt may set it. */
  model: bounded.name.exactOptional(),
  input: z.union([bounded.text, z.array(inputItemSchema)]).optional(),
  previous_response_id: bounded.identifier.nullish(),
  conversation: settings.conversationSchema.nullish(),
  prompt: settings.promptSchema.nullish(),
  moderation: settings.moderationSchema.nullish(),
  include: z.array(settings.includableSchema).nullish(),
  tools: z.array(toolSchema).max(128).nullish(),
  tool_choice: toolChoiceSchema.nullish(),
  metadata: settings.metadataSchema.nullish(),
  text: settings.textConfigSchema.nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  presence_penalty: penaltySchema.nullish(),
  frequency_penalty: penaltySchema.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: settings.streamOptionsSchema.nullish(),
  background: z.boolean().nullish(),
  background_options: settings.backgroundOptionsSchema.nullish(),
  max_output_tokens: z.int().min(16).nullish(),
  max_tool_calls: z.int().min(1).nullish(),
  reasoning: settings.reasoningConfigSchema.nullish(),
  /** Some clients write an object's JSON into it. */
  user: bounded.address.nullish(),
  safety_identifier: z.string().max(128).nullish(),
  prompt_cache_options: settings.promptCacheOptionsSchema.nullish(),
  prompt_cache_key: z.string().max(64).nullish(),
  prompt_cache_retention: settings.promptCacheRetentionSchema.nullish(),
  truncation: settings.truncationSchema.nullish(),
  instructions: bounded.text.nullish(),
  store: z.boolean().nullish(),
  service_tier: settings.serviceTierSchema.nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  context_management: settings.contextManagementSchema.nullish(),
  access_programs: settings.accessProgramsSchema.nullish(),
  image: settings.imageOptionsSchema.nullish(),
  client_metadata: settings.clientMetadataSchema.nullish(),
});

const { client_metadata: _unkept, ...keptShape } = createRequestSchema.shape;

/**
 * The provider's own parameters, as listed in its configuration (`extra_parameters`). The server passes them on
 * unchanged.
 */
const extraParametersSchema = z.record(z.string(), z.unknown());

/** `client_metadata` is accepted but not stored: it may identify the user's machine, and the server does not use it. */
export type CreateRequest = Omit<z.infer<typeof createRequestSchema>, "client_metadata"> & {
  extra_parameters?: z.infer<typeof extraParametersSchema>;
};

/**
 * The request as recorded and run. The prompt is already filled in, so later readers do not need the prompt's file.
 * `instructions` is a list of messages if it comes from a prompt.
 */
export const resolvedRequestSchema = z.strictObject({
  ...keptShape,
  model: z.string(),
  instructions: z.union([z.string(), z.array(instructionMessageSchema)]).nullish(),
  extra_parameters: extraParametersSchema.exactOptional(),
});
export type ResolvedRequest = z.infer<typeof resolvedRequestSchema>;
