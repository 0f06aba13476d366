/** Which prompts there are, in which versions. Read once, at the start of the process (read-prompts.ts). */
import { promptNotFound } from "../lifecycle/errors/state.ts";
import type { PromptTemplate } from "./template.ts";

export interface Prompt {
  id: string;
  /** What a request gets that names no version. One of `versions`. */
  defaultVersion: string;
  versions: ReadonlyMap<string, PromptTemplate>;
}

export class PromptCatalog {
  readonly #prompts: ReadonlyMap<string, Prompt>;
  /** Characters that a template may be filled to. */
  readonly maxLength: number;

  constructor(prompts: readonly Prompt[], maxLength: number) {
    this.#prompts = new Map(prompts.map((prompt) => [prompt.id, prompt]));
    this.maxLength = maxLength;
  }

  /** Throws the contract's 404 if there is none. */
  find(id: string, version: string | null | undefined): PromptTemplate {
    const prompt = this.#prompts.get(id);
    if (prompt === undefined) throw promptNotFound(id);
    const template = prompt.versions.get(version ?? prompt.defaultVersion);
    if (template === undefined) throw promptNotFound(id, version);
    return template;
  }

  /** The model that a request's `prompt` names, whatever that is. Undefined if it names none, or is none. */
  modelOf(prompt: unknown): string | undefined {
    const { id, version } = (prompt ?? {}) as { id?: unknown; version?: unknown };
    const found = typeof id === "string" ? this.#prompts.get(id) : undefined;
    return found?.versions.get(typeof version === "string" ? version : found.defaultVersion)?.defaults.model;
  }
}
