/** Collects a server's tools while its pages are read: those that the request allows, and the first of each name. */
import { AnswerTooLongError, ListTooLongError } from "./errors.ts";
import type { ListedPage, ListFlaw } from "./listed-page.ts";
import { listAllowedNames, isAllowed, type ListedTool, type McpTool } from "./tool-filter.ts";

/** Maximum tools that the request allows. */
const MAX_TOOLS = 512;
const MAX_LIST_CHARACTERS = 1024 * 1024;
/** Maximum characters of all pages, including tools that the request does not allow. */
const MAX_READ_CHARACTERS = 8 * 1024 * 1024;
/** Maximum dropped tools that are named, and characters of each sentence. */
const MAX_SHOWN_FLAWS = 20;
const MAX_FLAW_CHARACTERS = 400;

export class ToolListBuilder {
  readonly #allowed: McpTool["allowed_tools"];
  /** With its JSON. */
  readonly #tools = new Map<string, { tool: ListedTool; json: string }>();
  readonly #flaws: string[] = [];
  #flawCount = 0;
  #hasLongTool = false;
  #readCharacters = 0;
  #characters = 0;

  constructor(allowed: McpTool["allowed_tools"]) {
    this.#allowed = allowed;
  }

  get tools(): ListedTool[] {
    return [...this.#tools.values()].map(({ tool }) => tool);
  }

  /** A sentence for each dropped tool, up to the maximum. */
  get flaws(): string[] {
    const more = this.#flawCount - this.#flaws.length;
    return more > 0 ? [...this.#flaws, `${more} more.`] : this.#flaws;
  }

  /** Throws if the list is too long. */
  add({ tools, flaws, characters }: ListedPage): void {
    this.#readCharacters += characters;
    for (const flaw of flaws) this.#addFlaw(flaw);
    for (const tool of tools) if (isAllowed(tool, this.#allowed)) this.#addTool(tool);
    if (this.#tools.size > MAX_TOOLS || this.#characters > MAX_LIST_CHARACTERS) throw new ListTooLongError();
    if (this.#readCharacters > MAX_READ_CHARACTERS) throw new AnswerTooLongError();
  }

  /** Call it after the last page. Throws if the list is empty because its tools are too long. */
  checkNotEmpty(): void {
    if (this.#tools.size === 0 && this.#hasLongTool) throw new ListTooLongError();
  }

  #addTool(tool: ListedTool): void {
    const json = JSON.stringify(tool);
    const first = this.#tools.get(tool.name);
    if (first === undefined) {
      this.#tools.set(tool.name, { tool, json });
      this.#characters += json.length;
    } else if (first.json !== json) {
      // A page that is sent twice repeats every tool, and that is no flaw.
      this.#addFlaw({
        name: tool.name,
        sentence: `The tool '${tool.name}' is listed twice with different definitions.`,
      });
    }
  }

  #addFlaw({ name, sentence, isTooLong }: ListFlaw): void {
    // A request that names its tools does not need to know about others.
    const allowed = this.#allowed;
    const givesNames = Array.isArray(allowed) || allowed?.tool_names !== undefined;
    if (givesNames && (name === undefined || !listAllowedNames(allowed).includes(name))) return;
    this.#hasLongTool ||= isTooLong === true;
    this.#flawCount += 1;
    if (this.#flaws.length < MAX_SHOWN_FLAWS) this.#flaws.push(sentence.slice(0, MAX_FLAW_CHARACTERS));
  }
}
