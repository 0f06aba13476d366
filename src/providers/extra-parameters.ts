/**
 * Parameters of a provider's own (`top_k`, `chat_template_kwargs`), which its entry in the providers file names. A request
 * may carry them for the provider's models; they are recorded with it and passed on as they came.
 */
import type { CreateRequest } from "../protocol/create-request.ts";
import type { Provider, ProviderCatalog } from "./catalog.ts";

type Extra = NonNullable<CreateRequest["extra_parameters"]>;

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
