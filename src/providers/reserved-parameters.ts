import { createRequestSchema } from "../protocol/create-request.ts";

/**
 * What the server writes into a provider's body by itself, beside this API's own parameters: of chat completions, and the
 * options of `@ai-sdk/openai-compatible`, which that would not pass on.
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

/** Whether a provider could not be given it: it has a meaning here, or is another name for something that has. */
export function isReservedParameter(name: string): boolean {
  return TAKEN.has(name) || name in Object.prototype;
}
