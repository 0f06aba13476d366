/** `POST /responses/compact`. Source: openai 7.59.0 `ResponseCompactParams`, `CompactedResponse`; contract.md#compaction. */
import { z } from "zod";
import { bounded } from "./bounded.ts";
import { createRequestSchema } from "./create-request.ts";
import { inputItemSchema, outputItemSchema } from "./item.ts";
import { usageSchema } from "./response.ts";
import { responseImageOptionsSchema } from "./request-options.ts";

const { shape } = createRequestSchema;

/** Errors are reported in the order of the keys, as for a response (contract.md#order-of-errors). */
export const compactRequestSchema = z.strictObject({
  model: bounded.name,
  input: shape.input.nullable(),
  previous_response_id: shape.previous_response_id,
  /** This and the fields up to `reasoning` are not in the published type. Codex sends them with every request. */
  tools: shape.tools,
  text: shape.text,
  parallel_tool_calls: shape.parallel_tool_calls,
  reasoning: shape.reasoning,
  prompt_cache_options: shape.prompt_cache_options,
  prompt_cache_key: shape.prompt_cache_key,
  prompt_cache_retention: shape.prompt_cache_retention,
  instructions: shape.instructions,
  service_tier: shape.service_tier,
  image: shape.image,
  client_metadata: shape.client_metadata,
});

/** Accepted but not stored, because a summary does not need them. */
type DroppedParameter = "client_metadata" | "parallel_tool_calls" | "reasoning" | "text" | "tools";
export type CompactRequest = Omit<z.infer<typeof compactRequestSchema>, DroppedParameter>;

export const compactedResponseSchema = z.object({
  id: bounded.identifier,
  object: z.literal("response.compaction"),
  created_at: z.int(),
  /** The messages kept verbatim, then the compaction. */
  output: z.array(z.union([inputItemSchema, outputItemSchema])),
  usage: usageSchema,
  image: responseImageOptionsSchema.exactOptional(),
});
export type CompactedResponse = z.infer<typeof compactedResponseSchema>;
