import { createRequestSchema } from "../protocol/create-request.ts";

/**
 * Parameters that the server itself writes into a provider's body, in addition to this API's parameters: those of chat
 * completions, and options that `@ai-sdk/openai-compatible` consumes.
 */
const RESERVED_PARAMETERS = [
  "add_generation_prompt",
  "continue_final_message",
  "logprobs",
  "max_completion_tokens",
  "max_tokens",
  "messages",
  "reasoningEffort",
  "reasoning_effort",
  "response_format",
  "strictJsonSchema",
  "textVerbosity",
  "verbosity",
];
const TAKEN: ReadonlySet<string> = new Set([...Object.keys(createRequestSchema.shape), ...RESERVED_PARAMETERS]);

/** Whether a provider's own parameter cannot have this name, because the name has a meaning here or aliases one. */
export function isReservedParameter(name: string): boolean {
  return TAKEN.has(name) || name in Object.prototype;
}
