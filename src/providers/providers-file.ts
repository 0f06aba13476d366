/** The file of vendors that `PROVIDERS_FILE` names: its form, and faults that say on which line they are. */
import { readFileSync } from "node:fs";
import { LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { ConfigurationError } from "../config.ts";

const httpUrl = z.url({ protocol: /^https?$/ });

/** What no request can be sent with. Told at the start, and not by each request that fails of it. */
const headersSchema = z.record(
  z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, "is no name of a header"),
  z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, "has a character that no header may have"),
);

const contextWindowSchema = z.int().positive();

/** A model by its name, or with the number of tokens that it can hold: its input and its output together. */
export const modelEntrySchema = z.union([
  z.string().min(1),
  z.strictObject({ name: z.string().min(1), context_window: contextWindowSchema.optional() }),
]);

const commonFields = {
  /** Name of the environment variable that holds the key. Keys do not belong in this file. */
  api_key_env: z.string().optional(),
  headers: headersSchema.default({}),
  /** If given, only these models exist. If not, every name is passed on and the vendor decides. */
  models: z.array(modelEntrySchema).min(1).optional(),
  /** Of the models that state none of their own. */
  context_window: contextWindowSchema.optional(),
  /** Models that answer in the place of this vendor's, in this order, when it is not available. */
  fallbacks: z.array(z.string().min(1)).min(1).optional(),
};

const openAiResponsesProviderSchema = z.strictObject({
  kind: z.literal("openai-responses"),
  base_url: httpUrl,
  ...commonFields,
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
  base_url: httpUrl,
  ...commonFields,
});

const anthropicProviderSchema = z.strictObject({
  kind: z.literal("anthropic"),
  base_url: httpUrl.default("https://api.anthropic.com/v1"),
  ...commonFields,
});

const googleProviderSchema = z.strictObject({
  kind: z.literal("google"),
  base_url: httpUrl.default("https://generativelanguage.googleapis.com/v1beta"),
  ...commonFields,
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
  providers: z.record(z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, "lower-case letters, digits, . _ -"), providerSchema),
});
type Providers = z.infer<typeof providersFileSchema>;

/** A place in the file, as zod names it. */
type Path = readonly PropertyKey[];

/** The file once it was read. What is found wrong with it later, among other vendors, is told by its line as well. */
export class ProvidersFile {
  readonly default: string | undefined;
  readonly providers: Providers["providers"];
  readonly #path: string;
  readonly #text: string;

  /** Throws a ConfigurationError that names every fault, each with its line. */
  constructor(path: string) {
    this.#path = path;
    this.#text = readText(path);
    const parsed = providersFileSchema.safeParse(parseJson(path, this.#text));
    if (!parsed.success) throw this.fault(...parsed.error.issues.flatMap(faultsOf));
    this.default = parsed.data.default;
    this.providers = parsed.data.providers;
  }

  fault(...faults: { path: Path; message: string }[]): ConfigurationError {
    const described = faults.map(
      ({ path, message }) => `line ${this.#lineOf(path)}: ${path.map(String).join(".") || "file"}: ${message}`,
    );
    return new ConfigurationError(`PROVIDERS_FILE: ${this.#path} is not valid. ${described.join("; ")}`);
  }

  /** JSON is YAML, whose parser keeps the places. Of what is missing, the line of what it is missing in. */
  #lineOf(path: Path): number {
    const lineCounter = new LineCounter();
    const document = parseDocument(this.#text, { lineCounter, keepSourceTokens: true });
    for (let length = path.length; length > 0; length--) {
      const place = keyOffset(document.getIn(path.slice(0, length - 1), true), path[length - 1]!);
      if (place !== undefined) return lineCounter.linePos(place).line;
    }
    return 1;
  }
}

interface Place {
  range?: readonly number[] | null;
}

/** Where the member of a YAML object or list begins. */
function keyOffset(parent: unknown, key: PropertyKey): number | undefined {
  const { items = [] } = (parent ?? {}) as { items?: readonly (Place & { key?: Place & { value?: unknown } })[] };
  const member = typeof key === "number" ? items[key] : items.find((pair) => pair.key?.value === key)?.key;
  return member?.range?.[0];
}

function faultsOf(issue: z.core.$ZodIssue): { path: Path; message: string }[] {
  const { path, message } = issue;
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ path: [...path, key], message: "unknown" }));
  if (issue.code === "invalid_union" && "discriminator" in issue) {
    const kinds = providerSchema.options.map((option) => option.shape.kind.value).join(", ");
    return [{ path, message: `must be one of ${kinds}` }];
  }
  if (issue.code === "invalid_key") return issue.issues.map((inner) => ({ path, message: inner.message }));
  return [{ path, message }];
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigurationError(`PROVIDERS_FILE: ${path} cannot be read.`, { cause: error });
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigurationError(`PROVIDERS_FILE: ${path} is not JSON: line ${brokenLine(text, error)}.`, {
      cause: error,
    });
  }
}

/** How much the engine shows of a text before the token that it did not expect, if there is more. */
const SHOWN_BEFORE = 10;

/** The engine names the place, or shows it; of a file that ends too early it is the end. */
function brokenLine(text: string, error: unknown): number {
  const message = error instanceof Error ? error.message : "";
  const named = /line (\d+) column \d+\)$/.exec(message);
  if (named !== null) return Number(named[1]);
  const shown = /^Unexpected token '([^])', (\.\.\.)?"([^]*)"(?:\.\.\.)? is not valid JSON$/u.exec(message);
  if (shown === null) return text.trimEnd().split("\n").length;
  const [, token, ellipsis, around] = shown;
  const place = ellipsis === undefined ? text.indexOf(token!) : text.indexOf(around!) + SHOWN_BEFORE;
  return text.slice(0, place).split("\n").length;
}
