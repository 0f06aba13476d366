/** Attributes that name a provider: its vendor by the names of the GenAI conventions, and its address. */
import { ATTR_SERVER_ADDRESS, ATTR_SERVER_PORT } from "@opentelemetry/semantic-conventions";
import {
  ATTR_GEN_AI_PROVIDER_NAME,
  GEN_AI_PROVIDER_NAME_VALUE_AZURE_AI_OPENAI,
  GEN_AI_PROVIDER_NAME_VALUE_OPENAI,
} from "@opentelemetry/semantic-conventions/incubating";
import type { Provider } from "../../providers/catalog.ts";
import { traceNameOf } from "../../providers/vendor-of.ts";
import type { Attributes } from "./attributes.ts";

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

export type ProviderAttributes = (provider: string) => Attributes;

/** Takes the names of the configuration. A provider that the conventions do not know keeps that name. */
export function createProviderAttributes(providers: readonly Provider[]): ProviderAttributes {
  const known = new Map(providers.map((provider) => [provider.name, describeProvider(provider)]));
  return (name) => known.get(name) ?? { [ATTR_GEN_AI_PROVIDER_NAME]: name };
}

function describeProvider(provider: Provider): Attributes {
  if (!("base_url" in provider)) return { [ATTR_GEN_AI_PROVIDER_NAME]: provider.name };
  const { protocol, hostname, port } = new URL(provider.base_url);
  return {
    [ATTR_GEN_AI_PROVIDER_NAME]: nameOf(provider, hostname),
    [ATTR_SERVER_ADDRESS]: hostname,
    [ATTR_SERVER_PORT]: port === "" ? (DEFAULT_PORTS[protocol] ?? 0) : Number(port),
  };
}

function nameOf(provider: Extract<Provider, { base_url: string }>, hostname: string): string {
  if (hostname.endsWith(".openai.azure.com")) return GEN_AI_PROVIDER_NAME_VALUE_AZURE_AI_OPENAI;
  if (provider.kind !== "openai-responses") return traceNameOf(provider) ?? provider.name;
  return hostname === "api.openai.com" ? GEN_AI_PROVIDER_NAME_VALUE_OPENAI : provider.name;
}
