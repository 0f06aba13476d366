/**
 * Parameters of a provider's own (`top_k`, `chat_template_kwargs`), which its entry in the providers file names. A request
 * may carry them for the provider's models; they are recorded with it and passed on as they came.
 */
import { createRequestSchema, type CreateRequest } from "../protocol/create-request.ts";
import type { Provider, ProviderCatalog } from "./catalog.ts";

type Extra = NonNullable<CreateRequest["extra_parameters"]>;

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

/** The names that a request may carry for the model; none if there is no such model. */
export function extraParameterNames(catalog: ProviderCatalog, model: unknown): readonly string[] {
  const provider = typeof model === "string" ? catalog.resolve(model)?.provider : undefined;
  return namesOf(provider);
}

/** Of what the request carries, what this provider is given: a fallback may know less than the first. */
export function selectExtraParameters(provider: Provider, request: Pick<CreateRequest, "extra_parameters">): Extra {
  const { extra_parameters: extra = {} } = request;
  return Object.fromEntries(namesOf(provider).flatMap((name) => (name in extra ? [[name, extra[name]]] : [])));
}

function namesOf(provider: Provider | undefined): readonly string[] {
  if (provider?.kind !== "openai-responses" && provider?.kind !== "openai-compatible") return [];
  return provider.extra_parameters ?? [];
}
