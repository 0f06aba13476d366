/** `POST /responses/input_tokens`. Source: openai 7.59.0 `InputTokenCountParams`; errors as in create-request.ts. */
import { z } from "zod";
import { createRequestSchema } from "./create-request.ts";

const { shape } = createRequestSchema;

/** Every field is optional or null. */
export const inputTokensRequestSchema = z.strictObject({
  model: shape.model.nullish(),
  input: shape.input.nullable(),
  previous_response_id: shape.previous_response_id,
  conversation: shape.conversation,
  tools: shape.tools,
  tool_choice: shape.tool_choice,
  text: shape.text,
  parallel_tool_calls: shape.parallel_tool_calls,
  reasoning: shape.reasoning,
  truncation: shape.truncation,
  instructions: shape.instructions,
  personality: z.string().max(64).nullish(),
  client_metadata: shape.client_metadata,
});
export type InputTokensRequest = Omit<z.infer<typeof inputTokensRequestSchema>, "client_metadata">;

export const inputTokensSchema = z.object({ object: z.literal("response.input_tokens"), input_tokens: z.int() });
export type InputTokens = z.infer<typeof inputTokensSchema>;
