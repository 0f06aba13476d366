/**
 * Finds inline links, `[text](url "title")`, and other brackets (CommonMark 0.31 §6.3). It reads each character once.
 */
import type { MarkdownLink } from "./markdown-link.ts";

export interface Bracket {
  /** In code points, from the opening bracket. */
  start: number;
  isImage: boolean;
  /** The text in the brackets. Undefined if it is longer than any label, or has brackets itself. */
  label: string | undefined;
}

/** A bracket or link that a character completes. An image's text cannot contain links. */
export type CompletedBracket =
  | { kind: "link"; link: Omit<MarkdownLink, "end">; isImage: boolean }
  | { kind: "bracket"; bracket: Bracket };

const MAX_URL_LENGTH = 4_096;
/** Maximum nested open brackets. With more, the outer brackets are text. */
const MAX_OPEN_BRACKETS = 64;
const MAX_LABEL_LENGTH = 100;

type BracketState =
  /** In text, within brackets or not. */
  | { kind: "text" }
  /** After a closing bracket: a parenthesis makes it a link. */
  | { kind: "closed"; bracket: Bracket }
  /** In the URL. `depth` counts the URL's own open parentheses. */
  | { kind: "url"; bracket: Bracket; url: string; depth: number; isAngled: boolean }
  /** After the URL: a quoted title, or nothing. */
  | { kind: "title"; bracket: Bracket; url: string; quote: string | undefined };

export class BracketLinks {
  #state: BracketState = { kind: "text" };
  #open: Bracket[] = [];
  #position = 0;
  #before = "";
  #isEscaped = false;

  /** Whether the text so far may still be part of a link. */
  get isOpen(): boolean {
    return this.#state.kind !== "text" || this.#open.length > 0;
  }

  accept(character: string, position: number, isCode: boolean): CompletedBracket | undefined {
    this.#position = position;
    if (isCode) {
      this.#acceptCode(character);
      return undefined;
    }
    if (this.#isEscaped) {
      this.#isEscaped = false;
      if (this.#state.kind === "closed") this.#state = { kind: "text" };
      if (this.#state.kind === "url") this.#state.url += character;
      if (this.#state.kind === "text") this.#extendLabel(character);
      this.#before = "";
      return undefined;
    }
    if (character === "\\") {
      this.#isEscaped = true;
      if (this.#state.kind === "closed") this.#state = { kind: "text" };
      return undefined;
    }
    const completed = this.#step(character);
    this.#before = character;
    return completed;
  }

  /** Code can be a link's text, but not its URL or its title. */
  #acceptCode(character: string): void {
    const { kind } = this.#state;
    if (kind === "closed" || kind === "url" || (kind === "title" && this.#state.quote === undefined)) {
      this.#state = { kind: "text" };
    }
    if (this.#state.kind === "text") this.#extendLabel(character);
    this.#isEscaped = false;
    this.#before = "";
  }

  #step(character: string): CompletedBracket | undefined {
    const state = this.#state;
    switch (state.kind) {
      case "closed":
        if (character === "(") {
          this.#state = { kind: "url", bracket: state.bracket, url: "", depth: 0, isAngled: false };
          return undefined;
        }
        return this.#returnToText(character);
      case "url":
        return this.#inUrl(state, character);
      case "title":
        return this.#inTitle(state, character);
      case "text":
        return this.#inText(character);
    }
  }

  #returnToText(character: string): CompletedBracket | undefined {
    this.#state = { kind: "text" };
    return this.#inText(character);
  }

  #inText(character: string): CompletedBracket | undefined {
    if (character === "[") {
      const outer = this.#open.at(-1);
      if (outer !== undefined) outer.label = undefined;
      this.#open.push({ start: this.#position, isImage: this.#before === "!", label: "" });
      if (this.#open.length > MAX_OPEN_BRACKETS) this.#open.shift();
    } else if (character === "]") {
      const bracket = this.#open.pop();
      if (bracket === undefined) return undefined;
      this.#state = { kind: "closed", bracket };
      return { kind: "bracket", bracket };
    } else if (character === "\n" && this.#before === "\n") {
      // A link cannot span paragraphs.
      this.#open = [];
    } else {
      this.#extendLabel(character);
    }
    return undefined;
  }

  #extendLabel(character: string): void {
    const bracket = this.#open.at(-1);
    if (bracket?.label === undefined) return;
    bracket.label = bracket.label.length < MAX_LABEL_LENGTH ? bracket.label + character : undefined;
  }

  #inUrl(state: Extract<BracketState, { kind: "url" }>, character: string): CompletedBracket | undefined {
    if (character === "\n" || character === "[" || state.url.length > MAX_URL_LENGTH)
      return this.#returnToText(character);
    if (state.url === "" && !state.isAngled && character === "<") {
      state.isAngled = true;
    } else if (state.isAngled ? character === ">" : /\s/.test(character)) {
      if (state.url !== "") this.#state = { kind: "title", bracket: state.bracket, url: state.url, quote: undefined };
    } else if (character === ")" && state.depth === 0 && !state.isAngled) {
      return this.#completeLink(state);
    } else {
      if (character === "(") state.depth += 1;
      if (character === ")") state.depth -= 1;
      state.url += character;
    }
    return undefined;
  }

  #inTitle(state: Extract<BracketState, { kind: "title" }>, character: string): CompletedBracket | undefined {
    if (character === "[" || (character === "\n" && this.#before === "\n")) return this.#returnToText(character);
    if (state.quote !== undefined) {
      if (character === state.quote) state.quote = undefined;
    } else if (character === ")") {
      return this.#completeLink(state);
    } else if (character === '"' || character === "'" || character === "(") {
      state.quote = character === "(" ? ")" : character;
    } else if (!/\s/.test(character)) {
      return this.#returnToText(character);
    }
    return undefined;
  }

  /** A link cannot contain a link, but its text may be an image. */
  #completeLink({ bracket, url }: { bracket: Bracket; url: string }): CompletedBracket {
    this.#state = { kind: "text" };
    if (!bracket.isImage) this.#open = [];
    return { kind: "link", link: { start: bracket.start, url }, isImage: bracket.isImage };
  }
}
