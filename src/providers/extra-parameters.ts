/**
 * A provider's own parameters (`top_k`, `chat_template_kwargs`), as listed in its entry of the providers file. Requests
 * for its models may carry them; the server records them and passes them on unchanged.
 */
import type { CreateRequest } from "../protocol/create-request.ts";
import type { Provider, ProviderCatalog } from "./catalog.ts";

type Extra = NonNullable<CreateRequest["extra_parameters"]>;

/** The parameter names that a request for the model may carry; empty if there is no such model. */
export function extraParameterNames(catalog: ProviderCatalog, model: unknown): readonly string[] {
  const provider = typeof model === "string" ? catalog.resolve(model)?.provider : undefined;
  return namesOf(provider);
}

/** Selects the parameters that this provider accepts. A fallback may accept fewer than the first provider. */
export function selectExtraParameters(provider: Provider, request: Pick<CreateRequest, "extra_parameters">): Extra {
  const { extra_parameters: extra = {} } = request;
  return Object.fromEntries(namesOf(provider).flatMap((name) => (name in extra ? [[name, extra[name]]] : [])));
}

function namesOf(provider: Provider | undefined): readonly string[] {
  if (provider?.kind !== "openai-responses" && provider?.kind !== "openai-compatible") return [];
  return provider.extra_parameters ?? [];
}
