/**
 * The configured models and the providers that serve them: the embedded simulator; OpenAI (or a server that speaks its
 * protocol), Anthropic and Google, enabled by their usual keys; and any others from a providers file. A model is
 * `provider/model`; a bare name goes to the default provider.
 */
import type { z } from "zod";
import type { Config } from "../config/config.ts";
import { ConfigurationError } from "../config/configuration-error.ts";
import type { Model } from "../protocol/model.ts";
import { providerSchema, ProvidersFile } from "./providers-file.ts";
import { traitsOf } from "./vendor-of.ts";

export type Provider = z.infer<typeof providerSchema> & { name: string };
type ProviderOfKind<K extends Provider["kind"]> = Extract<Provider, { kind: K }>;
export type OpenAiResponsesProvider = ProviderOfKind<"openai-responses">;
/** Providers that are served through the AI SDK. */
export type AiSdkProvider = ProviderOfKind<"openai-compatible" | "anthropic" | "google">;
type ModelEntry = NonNullable<Extract<Provider, { models?: unknown }>["models"]>[number];
/** The way to ask a provider to continue an assistant's text. */
export type ContinuationMode = Exclude<ProviderOfKind<"openai-compatible">["continuation"], "none" | undefined>;

/** A request's model name, split. `model` is the provider's own name for it. */
export interface ResolvedModel {
  provider: Provider;
  model: string;
  /** In tokens; undefined if unknown. */
  contextWindow: number | undefined;
}

const OPENAI_URL = "https://api.openai.com/v1";
/** The simulator accepts any name; listings show this one. */
const SIMULATOR_MODEL = "default";

export class ProviderCatalog {
  readonly #providers: ReadonlyMap<string, Provider>;
  readonly #defaultProvider: Provider | undefined;

  constructor(providers: readonly Provider[], defaultName?: string) {
    this.#providers = new Map(providers.map((provider) => [provider.name, provider]));
    if (defaultName !== undefined && !this.#providers.has(defaultName)) {
      throw new ConfigurationError(`DEFAULT_PROVIDER: the provider '${defaultName}' is not configured.`);
    }
    // Bare names never default to the simulator, which must not answer for a real model.
    const first = this.providers.find((provider) => provider.kind !== "simulator");
    this.#defaultProvider = defaultName === undefined ? first : this.#providers.get(defaultName);
  }

  get providers(): Provider[] {
    return [...this.#providers.values()];
  }

  /** Returns undefined if no such model is configured. */
  resolve(name: string): ResolvedModel | undefined {
    const slash = name.indexOf("/");
    const named = slash > 0 ? this.#providers.get(name.slice(0, slash)) : undefined;
    const provider = named ?? this.#defaultProvider;
    const model = named === undefined ? name : name.slice(slash + 1);
    if (provider === undefined || model === "") return undefined;
    const models = "models" in provider ? provider.models : undefined;
    const entry = models?.find((each) => modelNameOf(each) === model);
    if (models !== undefined && entry === undefined) return undefined;
    const modelWindow = typeof entry === "object" ? entry.context_window : undefined;
    return { provider, model, contextWindow: modelWindow ?? provider.context_window };
  }

  /** The models known by name. A provider without a list of models serves more than these. */
  list(): Model[] {
    return this.providers.flatMap((provider) => {
      const names = provider.kind === "simulator" ? [SIMULATOR_MODEL] : (provider.models ?? []).map(modelNameOf);
      return names.map((name) => describeModel(`${provider.name}/${name}`, provider));
    });
  }

  find(name: string): Model | undefined {
    const resolved = this.resolve(name);
    return resolved && describeModel(name, resolved.provider);
  }
}

/** Returns undefined if the provider is not known to continue texts of this model. */
export function continuationModeOf(provider: AiSdkProvider, model: string): ContinuationMode | undefined {
  if (provider.kind === "google") return undefined;
  const entry = provider.models?.find((each) => modelNameOf(each) === model);
  const modelMode = typeof entry === "object" ? entry.continuation : undefined;
  // Known vendors continue chat completions only.
  const vendorMode = provider.kind === "openai-compatible" ? traitsOf(provider).continuation : "none";
  const mode = modelMode ?? provider.continuation ?? vendorMode;
  return mode === "none" ? undefined : mode;
}

function modelNameOf(entry: ModelEntry): string {
  return typeof entry === "string" ? entry : entry.name;
}

/** `created` is 0 because the creation time is unknown. */
function describeModel(id: string, provider: Provider): Model {
  return { id, object: "model", created: 0, owned_by: provider.name };
}

export function readProviderCatalog(config: Config): ProviderCatalog {
  const file = config.PROVIDERS_FILE === undefined ? undefined : new ProvidersFile(config.PROVIDERS_FILE);
  const providers = builtInProviders(config);
  for (const [name, provider] of Object.entries(file?.providers ?? {})) providers.push({ name, ...provider });
  const isListed = providers.some(({ name }) => name === "simulator");
  if (config.SIMULATOR && !isListed) providers.push({ name: "simulator", kind: "simulator" });
  const isKnown = (name: string) => providers.some((provider) => provider.name === name);
  if (file?.default !== undefined && !isKnown(file.default)) {
    throw file.createError({ path: ["default"], message: `the provider '${file.default}' is not configured` });
  }
  const catalog = new ProviderCatalog(providers, config.DEFAULT_PROVIDER ?? file?.default);
  if (file !== undefined) {
    checkKeys(config, file);
    checkFallbacks(catalog, file);
  }
  return catalog;
}

/** Each provider is enabled by its key. An entry of the file with the same name replaces it. */
function builtInProviders(config: Config): Provider[] {
  const providers: Provider[] = [];
  const add = (name: string, settings: z.input<typeof providerSchema>) =>
    providers.push({ name, ...providerSchema.parse(settings) });
  if (config.OPENAI_API_KEY !== undefined || config.OPENAI_BASE_URL !== undefined) {
    const base_url = config.OPENAI_BASE_URL ?? OPENAI_URL;
    add("openai", { kind: "openai-responses", base_url, api_key_env: "OPENAI_API_KEY", counts_input_tokens: true });
  }
  if (config.ANTHROPIC_API_KEY !== undefined) {
    add("anthropic", { kind: "anthropic", api_key_env: "ANTHROPIC_API_KEY" });
  }
  const googleKey = (["GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY"] as const).find((name) => config[name]);
  if (googleKey !== undefined) add("google", { kind: "google", api_key_env: googleKey });
  return providers;
}

/** A missing key would only surface in the first request, so every process checks the shared configuration at start. */
function checkKeys({ environment }: Config, file: ProvidersFile): void {
  const errors = Object.entries(file.providers).flatMap(([name, provider]) => {
    const variable = provider.kind === "simulator" ? undefined : provider.api_key_env;
    if (variable === undefined || (environment[variable] ?? "").trim() !== "") return [];
    return [{ path: ["providers", name, "api_key_env"], message: `the variable ${variable} is not set` }];
  });
  if (errors.length > 0) throw file.createError(...errors);
}

/** Without this check, a missing fallback would only surface when a request needs it. */
function checkFallbacks(catalog: ProviderCatalog, file: ProvidersFile): void {
  for (const [name, provider] of Object.entries(file.providers)) {
    const names = provider.kind === "simulator" ? [] : (provider.fallbacks ?? []);
    const missing = names.findIndex((model) => catalog.resolve(model) === undefined);
    if (missing < 0) continue;
    const message = `the model '${names[missing]}' is not configured`;
    throw file.createError({ path: ["providers", name, "fallbacks", missing], message });
  }
}
