/**
 * Reads prompts from files: `<folder>/<prompt id>/<version>.json`. A version may have any name; whole numbers are
 * ordered. A request without a version gets the highest number, unless `prompt.json` in the same folder says
 * `{"default": "<version>"}`. The process reads all files at start and stops at the first error: a broken file is the
 * operator's problem, not the client's.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Config } from "../config/config.ts";
import { ConfigurationError } from "../config/configuration-error.ts";
import type { ProviderCatalog } from "../providers/catalog.ts";
import { type Prompt, PromptCatalog } from "./prompt-catalog.ts";
import { SettingsFile } from "../config/settings-file.ts";
import { makeTemplate, type PromptTemplate, templateFileSchema } from "./template.ts";
import { findUnknownKey } from "./unknown-key.ts";

const PROMPT_ID = /^pmpt_[A-Za-z0-9_-]{1,128}$/;
const VERSION_FILE = /^([A-Za-z0-9][A-Za-z0-9._-]{0,127})\.json$/;
const WHOLE_NUMBER = /^(?:0|[1-9]\d{0,14})$/;
const ABOUT_FILE = "prompt.json";

const aboutSchema = z.strictObject({ default: z.string() });

export function readPrompts(config: Config, models: ProviderCatalog): PromptCatalog {
  const folder = config.PROMPTS_FOLDER;
  const prompts = folder === undefined ? [] : foldersIn(folder).map((id) => readPrompt(join(folder, id), id, models));
  return new PromptCatalog(prompts, config.MAX_BODY_BYTES);
}

/** Ignores files next to the prompts. A folder that is not a prompt's is a typo. */
function foldersIn(folder: string): string[] {
  const names = visible(folder).filter((name) =>
    readOrThrow(join(folder, name), (path) => statSync(path).isDirectory()),
  );
  const stray = names.find((name) => !PROMPT_ID.test(name));
  if (stray !== undefined)
    throw invalidPromptError(join(folder, stray), ["a prompt's folder is named pmpt_…, by its id"]);
  return names;
}

function readPrompt(folder: string, id: string, models: ProviderCatalog): Prompt {
  const names = visible(folder).filter((name) => name.endsWith(".json"));
  const versions = new Map<string, PromptTemplate>();
  for (const name of names.filter((each) => each !== ABOUT_FILE)) {
    const path = join(folder, name);
    const version = VERSION_FILE.exec(name)?.[1];
    if (version === undefined) throw invalidPromptError(path, ["a version's name has letters, digits, . _ - only"]);
    versions.set(version, readTemplate(path, version, models));
  }
  const about = names.includes(ABOUT_FILE) ? parse(openFile(join(folder, ABOUT_FILE)), aboutSchema) : undefined;
  const defaultVersion = about?.default ?? findNewestVersion([...versions.keys()]);
  if (defaultVersion === undefined) {
    throw invalidPromptError(folder, [`without a version that is a whole number, ${ABOUT_FILE} must name the default`]);
  }
  if (!versions.has(defaultVersion)) {
    throw invalidPromptError(join(folder, ABOUT_FILE), [`default: there is no version '${defaultVersion}'`]);
  }
  return { id, defaultVersion, versions };
}

function findNewestVersion(versions: readonly string[]): string | undefined {
  const numbers = versions.filter((version) => WHOLE_NUMBER.test(version)).map(Number);
  return numbers.length === 0 ? undefined : String(numbers.reduce((a, b) => Math.max(a, b)));
}

function readTemplate(path: string, version: string, models: ProviderCatalog): PromptTemplate {
  const file = openFile(path);
  const template = makeTemplate(version, parse(file, templateFileSchema));
  const { model } = template.defaults;
  if (model !== undefined && models.resolve(model) === undefined) {
    throw file.createError([{ path: ["model"], message: `'${model}' is not configured` }]);
  }
  return template;
}

const openFile = (path: string) => new SettingsFile("PROMPTS_FOLDER", path);

/** Rejects unknown keys at any depth: a misspelled setting must not look effective. */
function parse<S extends z.ZodType>(file: SettingsFile, schema: S): z.infer<S> {
  const parsed = file.parse(schema);
  const unknown = findUnknownKey(file.readJson(), parsed);
  if (unknown !== undefined) throw file.createError([{ path: unknown, message: "unknown" }]);
  return parsed;
}

/** Skips names that start with a dot: repositories, and Kubernetes mounts. */
function visible(folder: string): string[] {
  const names = readOrThrow(folder, (path) => readdirSync(path));
  return names.filter((name) => !name.startsWith(".")).sort();
}

function readOrThrow<T>(path: string, read: (path: string) => T): T {
  try {
    return read(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(`PROMPTS_FOLDER: ${path} cannot be read. ${reason}`, { cause: error });
  }
}

function invalidPromptError(path: string, errors: readonly string[]): ConfigurationError {
  return new ConfigurationError(`PROMPTS_FOLDER: ${path} is not valid. ${errors.join("; ")}`);
}
