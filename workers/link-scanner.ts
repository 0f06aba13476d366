/**
 * Finds Markdown links in a text that comes in pieces, cut anywhere. Each character is looked at once, whatever the text is:
 * where a link could no longer be one, none of what it took for one can have begun another.
 */
export interface MarkdownLink {
  /** In code points, from the bracket that opens it. */
  start: number;
  /** Behind the parenthesis that closes it. */
  end: number;
  url: string;
}

interface OpenBracket {
  start: number;
  isImage: boolean;
}

const URL_MAXIMUM = 4_096;
/** Brackets that stand open within one another. Of more, the outer ones are text. */
const OPEN_MAXIMUM = 64;

type State =
  /** Text, in brackets or not. */
  | { kind: "text" }
  /** Behind a bracket that closed: a parenthesis makes it a link. */
  | { kind: "closed"; bracket: OpenBracket }
  /** In the URL; `depth` counts the parentheses that are its own. */
  | { kind: "url"; bracket: OpenBracket; url: string; depth: number; isAngled: boolean }
  /** Behind the URL: a title in quotes, or nothing. */
  | { kind: "title"; bracket: OpenBracket; url: string; quote: string | undefined };

export class LinkScanner {
  #state: State = { kind: "text" };
  #open: OpenBracket[] = [];
  /** Code points so far. */
  #position = 0;
  #before = "";
  #isEscaped = false;
  /** The first half of a character whose second half has not come yet. */
  #half = "";

  /** The links that the piece completes. */
  feed(piece: string): MarkdownLink[] {
    const links: MarkdownLink[] = [];
    const text = this.#half + piece;
    this.#half = /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : "";
    const whole = this.#half === "" ? text : text.slice(0, -1);
    for (const character of whole) {
      const link = this.#accept(character);
      this.#position += 1;
      if (link !== undefined) links.push({ ...link, end: this.#position });
    }
    return links;
  }

  #accept(character: string): Omit<MarkdownLink, "end"> | undefined {
    if (this.#isEscaped) {
      this.#isEscaped = false;
      if (this.#state.kind === "closed") this.#state = { kind: "text" };
      if (this.#state.kind === "url") this.#state.url += character;
      this.#before = "";
      return undefined;
    }
    if (character === "\\") {
      this.#isEscaped = true;
      if (this.#state.kind === "closed") this.#state = { kind: "text" };
      return undefined;
    }
    const link = this.#step(character);
    this.#before = character;
    return link;
  }

  #step(character: string): Omit<MarkdownLink, "end"> | undefined {
    const state = this.#state;
    switch (state.kind) {
      case "closed":
        if (character === "(")
          this.#state = { kind: "url", bracket: state.bracket, url: "", depth: 0, isAngled: false };
        else this.#toText(character);
        return undefined;
      case "url":
        return this.#inUrl(state, character);
      case "title":
        return this.#inTitle(state, character);
      case "text":
        this.#inText(character);
        return undefined;
    }
  }

  #toText(character: string): void {
    this.#state = { kind: "text" };
    this.#inText(character);
  }

  #inText(character: string): void {
    if (character === "[") {
      this.#open.push({ start: this.#position, isImage: this.#before === "!" });
      if (this.#open.length > OPEN_MAXIMUM) this.#open.shift();
    } else if (character === "]") {
      const bracket = this.#open.pop();
      if (bracket !== undefined) this.#state = { kind: "closed", bracket };
    } else if (character === "\n" && this.#before === "\n") {
      // A link does not go on in the next paragraph.
      this.#open = [];
    }
  }

  #inUrl(state: Extract<State, { kind: "url" }>, character: string): Omit<MarkdownLink, "end"> | undefined {
    if (character === "\n" || character === "[" || state.url.length > URL_MAXIMUM) {
      this.#toText(character);
      return undefined;
    }
    if (state.url === "" && !state.isAngled && character === "<") {
      state.isAngled = true;
    } else if (state.isAngled ? character === ">" : /\s/.test(character)) {
      if (state.url !== "") this.#state = { kind: "title", bracket: state.bracket, url: state.url, quote: undefined };
    } else if (character === ")" && state.depth === 0 && !state.isAngled) {
      return this.#link(state);
    } else {
      if (character === "(") state.depth += 1;
      if (character === ")") state.depth -= 1;
      state.url += character;
    }
    return undefined;
  }

  #inTitle(state: Extract<State, { kind: "title" }>, character: string): Omit<MarkdownLink, "end"> | undefined {
    if (character === "[" || (character === "\n" && this.#before === "\n")) {
      this.#toText(character);
    } else if (state.quote !== undefined) {
      if (character === state.quote) state.quote = undefined;
    } else if (character === ")") {
      return this.#link(state);
    } else if (character === '"' || character === "'") {
      state.quote = character;
    } else if (!/\s/.test(character)) {
      this.#toText(character);
    }
    return undefined;
  }

  /** A link holds no other; a picture may be what a link's text is. */
  #link({ bracket, url }: { bracket: OpenBracket; url: string }): Omit<MarkdownLink, "end"> | undefined {
    this.#state = { kind: "text" };
    if (bracket.isImage) return undefined;
    this.#open = [];
    return { start: bracket.start, url };
  }
}
