/**
 * Which models there are and who serves them. Vendors are configured, not coded: the embedded simulator, OpenAI (or any
 * server that speaks its protocol) by environment, and any number more by a providers file.
 *
 * A model is `vendor/model`; a bare name goes to the default vendor.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { type Config, ConfigurationError } from "../config.ts";
import type { Model } from "../protocol/model.ts";

const contextWindowSchema = z.int().positive();

/** A model by its name, or with the number of tokens that it can hold: its input and its output together. */
const modelEntrySchema = z.union([
  z.string().min(1),
  z.strictObject({ name: z.string().min(1), context_window: contextWindowSchema.optional() }),
]);
type ModelEntry = z.infer<typeof modelEntrySchema>;

const openAiResponsesProviderSchema = z.strictObject({
  kind: z.literal("openai-responses"),
  base_url: z.url(),
  /** Name of the environment variable that holds the key. Keys do not belong in this file. */
  api_key_env: z.string().optional(),
  headers: z.record(z.string(), z.string()).default({}),
  /** If given, only these models exist. If not, every name is passed on and the vendor decides. */
  models: z.array(modelEntrySchema).min(1).optional(),
  /** If given, only these tools are left to the provider; this server runs the others. If not, all are. */
  hosted_tools: z.array(z.string()).optional(),
  /** Of the models that state none of their own. */
  context_window: contextWindowSchema.optional(),
  /** Whether it serves `POST /responses/input_tokens`. */
  counts_input_tokens: z.boolean().optional(),
});

const simulatorProviderSchema = z.strictObject({
  kind: z.literal("simulator"),
  context_window: contextWindowSchema.optional(),
});

const providerSchema = z.discriminatedUnion("kind", [openAiResponsesProviderSchema, simulatorProviderSchema]);

const providersFileSchema = z.strictObject({
  default: z.string().optional(),
  providers: z.record(z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, "lower-case letters, digits, . _ -"), providerSchema),
});

export type OpenAiResponsesProvider = z.infer<typeof openAiResponsesProviderSchema> & { name: string };
export type SimulatorProvider = z.infer<typeof simulatorProviderSchema> & { name: string };
export type Provider = OpenAiResponsesProvider | SimulatorProvider;

/** A model as a request named it, taken apart. `model` is the vendor's own name for it. */
export interface ResolvedModel {
  provider: Provider;
  model: string;
  /** In tokens; undefined if nobody said. */
  contextWindow: number | undefined;
}

const OPENAI_URL = "https://api.openai.com/v1";
/** The simulator takes any name; this is the one it is listed under. */
const SIMULATOR_MODEL = "default";

export class ProviderCatalog {
  readonly #providers: ReadonlyMap<string, Provider>;
  readonly #defaultProvider: Provider | undefined;

  constructor(providers: readonly Provider[], defaultName?: string) {
    this.#providers = new Map(providers.map((provider) => [provider.name, provider]));
    if (defaultName !== undefined && !this.#providers.has(defaultName)) {
      throw new ConfigurationError(`The default provider '${defaultName}' is not configured.`);
    }
    // Bare names never fall to the simulator by themselves: it must not answer for a model that it is not.
    const first = providers.find((provider) => provider.kind !== "simulator");
    this.#defaultProvider = defaultName === undefined ? first : this.#providers.get(defaultName);
  }

  get providers(): Provider[] {
    return [...this.#providers.values()];
  }

  /** Undefined if no such model is configured. */
  resolve(name: string): ResolvedModel | undefined {
    const slash = name.indexOf("/");
    const named = slash > 0 ? this.#providers.get(name.slice(0, slash)) : undefined;
    const provider = named ?? this.#defaultProvider;
    const model = named === undefined ? name : name.slice(slash + 1);
    if (provider === undefined || model === "") return undefined;
    const models = "models" in provider ? provider.models : undefined;
    const entry = models?.find((each) => nameOf(each) === model);
    if (models !== undefined && entry === undefined) return undefined;
    const own = typeof entry === "object" ? entry.context_window : undefined;
    return { provider, model, contextWindow: own ?? provider.context_window };
  }

  /** Models known by name. A vendor without a list of models serves more than are listed. */
  list(): Model[] {
    return this.providers.flatMap((provider) => {
      const names = provider.kind === "simulator" ? [SIMULATOR_MODEL] : (provider.models ?? []).map(nameOf);
      return names.map((name) => describeModel(`${provider.name}/${name}`, provider));
    });
  }

  find(name: string): Model | undefined {
    const resolved = this.resolve(name);
    return resolved && describeModel(name, resolved.provider);
  }
}

function nameOf(entry: ModelEntry): string {
  return typeof entry === "string" ? entry : entry.name;
}

/** `created` is 0: nobody told this server when the model was made. */
function describeModel(id: string, provider: Provider): Model {
  return { id, object: "model", created: 0, owned_by: provider.name };
}

export function readCatalog(config: Config): ProviderCatalog {
  const file = config.PROVIDERS_FILE === undefined ? undefined : readProvidersFile(config.PROVIDERS_FILE);
  const providers: Provider[] = [];
  if (config.OPENAI_API_KEY !== undefined || config.OPENAI_BASE_URL !== undefined) {
    providers.push({
      name: "openai",
      kind: "openai-responses",
      base_url: config.OPENAI_BASE_URL ?? OPENAI_URL,
      api_key_env: "OPENAI_API_KEY",
      headers: {},
      counts_input_tokens: true,
    });
  }
  for (const [name, provider] of Object.entries(file?.providers ?? {})) providers.push({ name, ...provider });
  const isListed = providers.some(({ name }) => name === "simulator");
  if (config.SIMULATOR && !isListed) providers.push({ name: "simulator", kind: "simulator" });
  return new ProviderCatalog(providers, config.DEFAULT_PROVIDER ?? file?.default);
}

function readProvidersFile(path: string): z.infer<typeof providersFileSchema> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ConfigurationError(`PROVIDERS_FILE: ${path} cannot be read as JSON.`, { cause: error });
  }
  const parsed = providersFileSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join(".") || "file"}: ${issue.message}`);
  throw new ConfigurationError(`PROVIDERS_FILE: ${path} is not valid. ${faults.join("; ")}`);
}
