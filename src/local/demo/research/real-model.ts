/**
 * A real model instead of the simulator, and the environment that the installation needs to reach it. This server runs
 * all tools, even those that the provider could run, because the provider cannot reach this machine.
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, parseEnv } from "node:util";
import { readConfig, SETTINGS } from "../../../config/config.ts";
import { readProviderCatalog } from "../../../providers/catalog.ts";

const ENVIRONMENT_FILE = join(import.meta.dirname, "..", "..", "..", "..", ".env");

/** Includes the variables of `.env`, as `npm start` does. */
export function readEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const file = existsSync(ENVIRONMENT_FILE) ? parseEnv(readFileSync(ENVIRONMENT_FILE, "utf8")) : {};
  return { ...file, ...environment };
}

interface RequestedModel {
  /** Undefined for the simulator with its script. */
  model: string | undefined;
  question: string | undefined;
}

/** The model from the command line, or else from the environment. Throws an error that explains an invalid one. */
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

/** Settings for reaching a model or the web. The installation sets all others itself. */
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
  const passedOn = Object.entries(environment).filter(
    ([name]) => !SETTINGS.includes(name) || KEPT_VARIABLES.test(name),
  );
  return {
    settings: { ...Object.fromEntries(passedOn), PROVIDERS_FILE: file },
    hasSearchEngine: SEARCH_ENGINES.some((name) => environment[name]),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
