/** The format of the file named by `PROVIDERS_FILE`. Errors name their line. */
import { z } from "zod";
import type { ConfigurationError } from "../config/configuration-error.ts";
import { type SettingsError, SettingsFile } from "../config/settings-file.ts";
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
  /** Tokens that the model can hold: its input and its output together. */
  context_window: contextWindowSchema.optional(),
};

/** If given, only these models exist. If not, every name is passed on and the vendor decides. */
function modelsSchema<M extends z.ZodType>(model: M) {
  return z
    .array(z.union([z.string().min(1), model]))
    .min(1)
    .optional();
}

/** Without `continuation`: for vendors that continue no text. */
const plainModels = modelsSchema(z.strictObject(modelFields));

/**
 * Fields of a vendor, and of a model in its list, which has the last word: how the vendor is asked to continue a text of
 * the assistant's. `none` is the default, because a vendor that does not know the way begins its answer again, or refuses.
 */
function continuationFields<const T extends readonly [string, ...string[]]>(ways: T) {
  const continuation = z.enum(["none", ...ways]).optional();
  return { continuation, models: modelsSchema(z.strictObject({ ...modelFields, continuation })) };
}

const commonFields = {
  /** Name of the environment variable that holds the key. Keys do not belong in this file. */
  api_key_env: z.string().optional(),
  headers: headersSchema.default({}),
  /** Of the models that state none of their own. */
  context_window: contextWindowSchema.optional(),
  /** Models that answer in the place of this vendor's, in this order, when it is not available. */
  fallbacks: z.array(z.string().min(1)).min(1).optional(),
};

/** For the kinds whose body takes anything. The others are written by an SDK that knows what may be in it. */
const passingOn = {
  /** Names of the provider's own parameters, which requests may carry and which are passed on as they came. */
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
  ...passingOn,
  /** If given, only these tools are left to the provider; this server runs the others. If not, all are. */
  hosted_tools: z.array(z.string()).optional(),
  /** Whether it serves `POST /responses/input_tokens`. */
  counts_input_tokens: z.boolean().optional(),
  /** Its responses run in its own background: they go on without a connection, and are gone on with after a crash. */
  background: z.boolean().optional(),
  /** With `background`: what it ran stays with it. If not, it is deleted there once this server has all of it. */
  keep_responses: z.boolean().optional(),
});

/** Chat completions: vLLM, Ollama, llama.cpp, LM Studio, and most vendors besides their own protocol. */
const openAiCompatibleProviderSchema = z.strictObject({
  kind: z.literal("openai-compatible"),
  ...vendorFields,
  base_url: httpUrl,
  ...commonFields,
  ...passingOn,
  /**
   * `continue_final_message`: the body says so (vLLM, SGLang). `prefix`: the message says so (Mistral, DeepSeek's beta).
   * `assistant_message`: a last message of the assistant's is enough (OpenRouter, llama.cpp).
   */
  ...continuationFields(["continue_final_message", "prefix", "assistant_message"]),
});

const anthropicProviderSchema = z.strictObject({
  kind: z.literal("anthropic"),
  ...vendorFields,
  base_url: httpUrl.default("https://api.anthropic.com/v1"),
  ...commonFields,
  /** Older models continue a last message of the assistant's; newer ones refuse it. */
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

/** What only this file's schema can say. */
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
