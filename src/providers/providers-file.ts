/** The format of the file named by `PROVIDERS_FILE`. Errors name their line. */
import { z } from "zod";
import type { ConfigurationError } from "../config/configuration-error.ts";
import { type SettingsError, SettingsFile } from "../config/settings-file.ts";
import { modelPriceSchema } from "./price.ts";
import { isReservedParameter } from "./reserved-parameters.ts";
import { vendorFields } from "./vendor-of.ts";

const httpUrl = z.url({ protocol: /^https?$/ });

/** Rejects headers that no request can carry, at start instead of in every request. */
const headersSchema = z.record(
  z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, "is not a valid header name"),
  z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, "has a character that is not allowed in headers"),
);

const contextWindowSchema = z.int().positive();

const modelFields = {
  name: z.string().min(1),
  /** Size of the model's context window in tokens, input and output together. */
  context_window: contextWindowSchema.optional(),
};

/** With a list, only these models exist. Without one, every name goes to the vendor, which decides. */
function modelsSchema<M extends z.ZodType>(model: M) {
  return z
    .array(z.union([z.string().min(1), model]))
    .min(1)
    .optional();
}

/** Models of vendors that cannot continue a text. */
const plainModels = modelsSchema(z.strictObject(modelFields));

/**
 * Fields of a vendor and of its listed models: how to ask for a continuation of the assistant's text. A model's value
 * overrides the vendor's. The default is `none`, because a vendor without this feature restarts the answer or rejects
 * the request.
 */
function continuationFields<const T extends readonly [string, ...string[]]>(modes: T) {
  const continuation = z.enum(["none", ...modes]).optional();
  return { continuation, models: modelsSchema(z.strictObject({ ...modelFields, continuation })) };
}

/** Prices by the provider's own names of its models. Runs of other models have no cost. */
const pricesSchema = z.record(z.string().min(1), modelPriceSchema).optional();

const commonFields = {
  /** Name of the environment variable that holds the key. Keys do not belong in this file. */
  api_key_env: z.string().optional(),
  headers: headersSchema.default({}),
  /** Default for models without a context window of their own. */
  context_window: contextWindowSchema.optional(),
  /** Models to use instead while this vendor is unavailable, in this order. */
  fallbacks: z.array(z.string().min(1)).min(1).optional(),
  prices: pricesSchema,
};

/** Only for kinds whose body may have any field. For other kinds, an SDK writes the body and determines its fields. */
const extraParameterFields = {
  /** Names of the provider's own parameters. Requests may have them, and the server forwards them unchanged. */
  extra_parameters: z
    .array(
      z
        .string()
        .regex(/^[A-Za-z_][\w.-]{0,63}$/, "is not a valid parameter name")
        .refine((name) => !isReservedParameter(name), "is a parameter of this API, or is set by this server"),
    )
    .min(1)
    .optional(),
};

const openAiResponsesProviderSchema = z.strictObject({
  kind: z.literal("openai-responses"),
  base_url: httpUrl,
  ...commonFields,
  models: plainModels,
  ...extraParameterFields,
  /** With a list, the provider runs only these tools, and this server runs the others. Without one, it runs all. */
  hosted_tools: z.array(z.string()).optional(),
  /** Whether the provider serves `POST /responses/input_tokens`. */
  counts_input_tokens: z.boolean().optional(),
  /** Whether to use the provider's background mode: a run survives a lost connection, and resumes after a crash. */
  background: z.boolean().optional(),
  /** With `background`: the provider keeps its responses. Otherwise each is deleted once this server has all of it. */
  keep_responses: z.boolean().optional(),
});

/** Chat completions: vLLM, Ollama, llama.cpp, LM Studio, and most vendors in addition to their own protocol. */
const openAiCompatibleProviderSchema = z.strictObject({
  kind: z.literal("openai-compatible"),
  ...vendorFields,
  base_url: httpUrl,
  ...commonFields,
  ...extraParameterFields,
  /**
   * `continue_final_message`: a field of the body (vLLM, SGLang). `prefix`: a field of the message (Mistral, DeepSeek's
   * beta). `assistant_message`: an assistant message at the end is enough (OpenRouter, llama.cpp).
   */
  ...continuationFields(["continue_final_message", "prefix", "assistant_message"]),
});

const anthropicProviderSchema = z.strictObject({
  kind: z.literal("anthropic"),
  ...vendorFields,
  base_url: httpUrl.default("https://api.anthropic.com/v1"),
  ...commonFields,
  /** Older models continue an assistant message at the end; newer ones reject it. */
  ...continuationFields(["assistant_message"]),
});

const googleProviderSchema = z.strictObject({
  kind: z.literal("google"),
  ...vendorFields,
  base_url: httpUrl.default("https://generativelanguage.googleapis.com/v1beta"),
  ...commonFields,
  models: plainModels,
});

const simulatorProviderSchema = z.strictObject({
  kind: z.literal("simulator"),
  context_window: contextWindowSchema.optional(),
  prices: pricesSchema,
});

export const providerSchema = z.discriminatedUnion("kind", [
  openAiResponsesProviderSchema,
  openAiCompatibleProviderSchema,
  anthropicProviderSchema,
  googleProviderSchema,
  simulatorProviderSchema,
]);

const providersFileSchema = z.strictObject({
  default: z.string().optional(),
  providers: z.record(
    z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, "only lower-case letters, digits, ., _ and - are allowed"),
    providerSchema,
  ),
});
type Providers = z.infer<typeof providersFileSchema>;

/** Describes an unknown kind, and `extra_parameters` of a kind without them; zod's own messages are unclear. */
function describeKindError(issue: z.core.$ZodIssue): SettingsError[] | undefined {
  if (issue.code === "unrecognized_keys" && issue.keys.includes("extra_parameters") && issue.keys.length === 1) {
    const message = "only providers of the kinds openai-compatible and openai-responses accept extra_parameters";
    return [{ path: [...issue.path, "extra_parameters"], message }];
  }
  if (issue.code !== "invalid_union" || !("discriminator" in issue)) return undefined;
  const kinds = providerSchema.options.map((option) => option.shape.kind.value).join(", ");
  return [{ path: issue.path, message: `must be one of ${kinds}` }];
}

/** The parsed file. Later errors, found when its providers are combined with others, also name their line. */
export class ProvidersFile {
  readonly default: string | undefined;
  readonly providers: Providers["providers"];
  readonly #file: SettingsFile;

  /** Throws a ConfigurationError that lists every error with its line. */
  constructor(path: string) {
    this.#file = new SettingsFile("PROVIDERS_FILE", path);
    const { default: name, providers } = this.#file.parse(providersFileSchema, describeKindError);
    this.default = name;
    this.providers = providers;
  }

  createError(...errors: SettingsError[]): ConfigurationError {
    return this.#file.createError(errors);
  }
}
