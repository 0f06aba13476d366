/**
 * A model in the simulator's place: which one, and what the installation needs of the environment to reach it. All tools are
 * run by this server, also those that the model's provider could run: it cannot reach what is on this machine.
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, parseEnv } from "node:util";
import { readConfig, SETTINGS } from "../../../config/config.ts";
import { readProviderCatalog } from "../../../providers/catalog.ts";

const ENVIRONMENT_FILE = join(import.meta.dirname, "..", "..", "..", "..", ".env");

/** With what `.env` has, as `npm start` reads it. */
export function readEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const file = existsSync(ENVIRONMENT_FILE) ? parseEnv(readFileSync(ENVIRONMENT_FILE, "utf8")) : {};
  return { ...file, ...environment };
}

interface RequestedModel {
  /** Undefined: the simulator, with its script. */
  model: string | undefined;
  question: string | undefined;
}

/** What the command line asks for, or else the environment. Throws an error that says what is wrong with it. */
export function readRequestedModel(args: readonly string[], environment: NodeJS.ProcessEnv): RequestedModel {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { model: { type: "string" } },
    allowPositionals: true,
  });
  const model = values.model ?? (environment["DEMO_MODEL"] || undefined);
  const question = positionals.join(" ") || environment["DEMO_QUESTION"] || undefined;
  if (model === undefined && question !== undefined) {
    throw new Error("The simulator has one script and answers no other question. Name a model: --model vendor/model.");
  }
  return { model, question };
}

/** Settings of this server that reach a model, or the web. The others are the installation's own. */
const KEPT_VARIABLES = /^(OPENAI|ANTHROPIC|GOOGLE|GEMINI|BRAVE|TAVILY|SEARXNG|WEB_SEARCH|UPSTREAM)_|^DEFAULT_PROVIDER$/;
const SEARCH_ENGINES = ["SEARXNG_URL", "BRAVE_API_KEY", "TAVILY_API_KEY"];

interface RealModel extends AsyncDisposable {
  settings: NodeJS.ProcessEnv;
  hasSearchEngine: boolean;
}

/** Throws an error that names what is missing. */
export async function prepareRealModel(model: string, environment: NodeJS.ProcessEnv): Promise<RealModel> {
  const catalog = readProviderCatalog(readConfig(environment));
  const resolved = catalog.resolve(model);
  if (resolved === undefined) {
    throw new Error(`No vendor serves '${model}'. Set its key (like OPENAI_API_KEY), or name it in PROVIDERS_FILE.`);
  }
  const { provider } = resolved;
  if (provider.kind === "simulator") throw new Error("Leave --model out for the simulator: it needs its script.");
  const entries = catalog.providers.map(({ name, ...settings }) => [
    name,
    settings.kind === "openai-responses" ? { ...settings, hosted_tools: [] } : settings,
  ]);
  const folder = await mkdtemp(join(tmpdir(), "research-demo-"));
  const file = join(folder, "providers.json");
  await writeFile(file, JSON.stringify({ default: provider.name, providers: Object.fromEntries(entries) }), {
    mode: 0o600,
  });
  const known = Object.entries(environment).filter(([name]) => !SETTINGS.includes(name) || KEPT_VARIABLES.test(name));
  return {
    settings: { ...Object.fromEntries(known), PROVIDERS_FILE: file },
    hasSearchEngine: SEARCH_ENGINES.some((name) => environment[name]),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
