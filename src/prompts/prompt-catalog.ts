/** The prompts and their versions. The process reads them once at start (read-prompts.ts). */
import { promptNotFound } from "../lifecycle/errors/state.ts";
import type { PromptTemplate } from "./template.ts";

export interface Prompt {
  id: string;
  /** The version for requests that name none. One of `versions`. */
  defaultVersion: string;
  versions: ReadonlyMap<string, PromptTemplate>;
}

export class PromptCatalog {
  readonly #prompts: ReadonlyMap<string, Prompt>;
  /** Maximum characters of a filled template. */
  readonly maxLength: number;

  constructor(prompts: readonly Prompt[], maxLength: number) {
    this.#prompts = new Map(prompts.map((prompt) => [prompt.id, prompt]));
    this.maxLength = maxLength;
  }

  /** Throws the contract's 404 for an unknown prompt or version. */
  find(id: string, version: string | null | undefined): PromptTemplate {
    const prompt = this.#prompts.get(id);
    if (prompt === undefined) throw promptNotFound(id);
    const template = prompt.versions.get(version ?? prompt.defaultVersion);
    if (template === undefined) throw promptNotFound(id, version);
    return template;
  }

  /** The model of a request's `prompt`, which may be any value. Undefined if there is none. */
  modelOf(prompt: unknown): string | undefined {
    const { id, version } = (prompt ?? {}) as { id?: unknown; version?: unknown };
    const found = typeof id === "string" ? this.#prompts.get(id) : undefined;
    return found?.versions.get(typeof version === "string" ? version : found.defaultVersion)?.defaults.model;
  }
}
