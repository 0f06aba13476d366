/**
 * Finds the links in a Markdown text that arrives in pieces: inline links, bare URLs, and references to sources. Links
 * in code do not count. It reads each character once, or twice after a backtick that opened no span, so its time is
 * linear in the text. The result depends on the text alone, not on its pieces.
 */
import { BareLinks } from "./bare-links.ts";
import { BracketLinks } from "./bracket-links.ts";
import { CodeFilter } from "./code-filter.ts";
import { References } from "./references.ts";
import type { MarkdownLink } from "./markdown-link.ts";

export class LinkScanner {
  readonly #code = new CodeFilter((character, isCode) => this.#accept(character, isCode));
  readonly #brackets = new BracketLinks();
  readonly #bareLinks = new BareLinks();
  readonly #references = new References();
  /** URLs that may turn out to be the text or the target of a link that is not complete yet. */
  #held: MarkdownLink[] = [];
  #found: MarkdownLink[] = [];
  /** Code points so far. */
  #position = 0;
  /** The first half of a surrogate pair, until its second half arrives. */
  #highSurrogate = "";

  /** Returns the links that the piece completes. */
  feed(piece: string): MarkdownLink[] {
    const text = this.#highSurrogate + piece;
    this.#highSurrogate = /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : "";
    const whole = this.#highSurrogate === "" ? text : text.slice(0, -1);
    for (const character of whole) this.#code.accept(character);
    return this.#takeFound();
  }

  /** Ends the text. Returns the links that end with it, and the references. */
  end(): MarkdownLink[] {
    if (this.#highSurrogate !== "") this.#code.accept(this.#highSurrogate);
    this.#highSurrogate = "";
    this.#code.end();
    this.#hold(this.#bareLinks.end(this.#position));
    this.#release();
    for (const link of this.#references.end(this.#position)) this.#found.push(link);
    return this.#takeFound();
  }

  #takeFound(): MarkdownLink[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  #accept(character: string, isCode: boolean): void {
    const position = this.#position;
    this.#position += 1;
    this.#hold(this.#bareLinks.accept(character, position, isCode));
    const completed = this.#brackets.accept(character, position, isCode);
    if (completed?.kind === "bracket") this.#references.addBracket(completed.bracket, position + 1);
    if (completed?.kind === "link") this.#complete({ ...completed.link, end: position + 1 }, completed.isImage);
    this.#references.accept(character, position, isCode);
    if (!this.#brackets.isOpen) this.#release();
  }

  #hold(link: MarkdownLink | undefined): void {
    if (link === undefined || this.#references.addLink(link)) return;
    this.#held.push(link);
  }

  /** Drops the links inside this link. */
  #complete(link: MarkdownLink, isImage: boolean): void {
    while (this.#held.length > 0 && this.#held.at(-1)!.start >= link.start) this.#held.pop();
    if ((this.#bareLinks.start ?? -1) >= link.start) this.#bareLinks.reset();
    this.#references.addLink(link);
    if (isImage) return;
    this.#release();
    this.#found.push(link);
  }

  #release(): void {
    if (this.#held.length === 0) return;
    for (const link of this.#held) this.#found.push(link);
    this.#held = [];
  }
}
