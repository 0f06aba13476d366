/** What is kept of a server's list while its pages are read: of the tools that the request allows, the first of each name. */
import { AnswerTooLongError, ListTooLongError } from "./errors.ts";
import type { ListedPage, ListFlaw } from "./listed-page.ts";
import { listAllowedNames, isAllowed, type ListedTool, type McpTool } from "./tool-filter.ts";

/** Of the tools that the request allows. */
const MAX_TOOLS = 512;
const MAX_LIST_CHARACTERS = 1024 * 1024;
/** Of all pages, with the tools that it does not allow. */
const MAX_READ_CHARACTERS = 8 * 1024 * 1024;
/** Of the tools that are left out, how many are named, and how much of each sentence. */
const MAX_SHOWN_FLAWS = 20;
const MAX_FLAW_CHARACTERS = 400;

export class ToolListBuilder {
  readonly #allowed: McpTool["allowed_tools"];
  /** With its JSON. */
  readonly #kept = new Map<string, { tool: ListedTool; json: string }>();
  readonly #flaws: string[] = [];
  #flawCount = 0;
  #hasLongTool = false;
  #readCharacters = 0;
  #characters = 0;

  constructor(allowed: McpTool["allowed_tools"]) {
    this.#allowed = allowed;
  }

  get tools(): ListedTool[] {
    return [...this.#kept.values()].map(({ tool }) => tool);
  }

  /** A sentence for each tool that is left out, up to so many. */
  get flaws(): string[] {
    const more = this.#flawCount - this.#flaws.length;
    return more > 0 ? [...this.#flaws, `${more} more.`] : this.#flaws;
  }

  /** Throws when the list is too long by now. */
  add({ tools, flaws, characters }: ListedPage): void {
    this.#readCharacters += characters;
    for (const flaw of flaws) this.#addFlaw(flaw);
    for (const tool of tools) if (isAllowed(tool, this.#allowed)) this.#addTool(tool);
    if (this.#kept.size > MAX_TOOLS || this.#characters > MAX_LIST_CHARACTERS) throw new ListTooLongError();
    if (this.#readCharacters > MAX_READ_CHARACTERS) throw new AnswerTooLongError();
  }

  /** There are no more pages. Throws if there would be tools, were they not too long. */
  checkNotEmpty(): void {
    if (this.#kept.size === 0 && this.#hasLongTool) throw new ListTooLongError();
  }

  #addTool(tool: ListedTool): void {
    const json = JSON.stringify(tool);
    const first = this.#kept.get(tool.name);
    if (first === undefined) {
      this.#kept.set(tool.name, { tool, json });
      this.#characters += json.length;
    } else if (first.json !== json) {
      // A page that is sent twice has every tool twice, and that is no flaw.
      this.#addFlaw({ name: tool.name, sentence: `The tool '${tool.name}' is there a second time.` });
    }
  }

  #addFlaw({ name, sentence, isTooLong }: ListFlaw): void {
    // Where a request names the tools that it allows, it wants to know of no other.
    const allowed = this.#allowed;
    const givesNames = Array.isArray(allowed) || allowed?.tool_names !== undefined;
    if (givesNames && (name === undefined || !listAllowedNames(allowed).includes(name))) return;
    this.#hasLongTool ||= isTooLong === true;
    this.#flawCount += 1;
    if (this.#flaws.length < MAX_SHOWN_FLAWS) this.#flaws.push(sentence.slice(0, MAX_FLAW_CHARACTERS));
  }
}
