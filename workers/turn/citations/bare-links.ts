/**
 * Finds bare URLs and `<url>` as GitHub's Markdown does (GFM 0.29 §6.5 and §6.9). A URL does not include the
 * punctuation after it, nor a closing parenthesis that it did not open.
 */
import type { MarkdownLink } from "./markdown-link.ts";

const MAX_URL_LENGTH = 4_096;
/** Ends a URL anywhere: characters that no URL has, and punctuation of scripts without spaces. */
const URL_END = /[\s<>"`|{}，。、；：！？）】」』》〉”’…]/u;
const TRAILING = "?!.,:;*_~'";
const NOT_BEFORE = /[\p{L}\p{N}+.@/-]/u;
/** A letter of a script without spaces may precede a URL. */
const SPACELESS = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}]/u;

interface OpenUrl {
  start: number;
  /** As the text spells it. */
  raw: string;
  isAngled: boolean;
  parentheses: number;
  brackets: number;
}

export class BareLinks {
  #url: OpenUrl | undefined;
  /** The last characters: a scheme, and the character before it. */
  #tail: string[] = [];
  #isEscaped = false;

  /** The index where the current URL starts. */
  get start(): number | undefined {
    return this.#url?.start;
  }

  reset(): void {
    this.#url = undefined;
    this.#tail = [];
  }

  /** The URL that ends before this character, or with it. */
  accept(character: string, position: number, isCode: boolean): MarkdownLink | undefined {
    if (this.#url === undefined) {
      this.#detectStart(isCode ? " " : character, position);
      return undefined;
    }
    if (!isCode && this.#continues(this.#url, character)) {
      this.#url.raw += character;
      if (this.#url.raw.length > MAX_URL_LENGTH) this.reset();
      return undefined;
    }
    const link = this.#end(position, isCode ? "" : character);
    this.#detectStart(isCode ? " " : character, position);
    return link;
  }

  /** Ends the text at `position`. */
  end(position: number): MarkdownLink | undefined {
    return this.#end(position, "");
  }

  #detectStart(character: string, position: number): void {
    this.#tail.push(character);
    if (this.#tail.length > 9) this.#tail.shift();
    if (character !== "/" && character !== ".") return;
    const tail = this.#tail.join("");
    const scheme = /(?:https?:\/\/|www\.)$/i.exec(tail)?.[0];
    if (scheme === undefined) return;
    const before = this.#tail[this.#tail.length - scheme.length - 1] ?? " ";
    if (NOT_BEFORE.test(before) && !SPACELESS.test(before)) return;
    const isAngled = before === "<";
    const start = position + 1 - scheme.length;
    this.#url = { start, raw: scheme, isAngled, parentheses: 0, brackets: 0 };
    this.#tail = [];
    this.#isEscaped = false;
  }

  #continues(url: OpenUrl, character: string): boolean {
    if (URL_END.test(character)) return false;
    if (url.isAngled) return true;
    if (this.#isEscaped) {
      this.#isEscaped = false;
      return true;
    }
    this.#isEscaped = character === "\\";
    if (character === "(") url.parentheses += 1;
    if (character === ")") return (url.parentheses -= 1) >= 0;
    // A number in brackets after a URL is a reference. In a query, brackets belong to field names.
    if (character === "[") return (url.brackets += 1) > 0 && url.raw.includes("?");
    if (character === "]") return (url.brackets -= 1) >= 0;
    return true;
  }

  #end(position: number, character: string): MarkdownLink | undefined {
    const url = this.#url;
    this.reset();
    if (url === undefined) return undefined;
    const isClosed = url.isAngled && character === ">";
    const raw = isClosed ? url.raw : trimPunctuation(url.raw);
    const href = unescapeUrl(/^www\./i.test(raw) ? `http://${raw}` : raw);
    if (!/^https?:\/\/[^\s/?#]/i.test(href)) return undefined;
    if (isClosed) return { start: url.start - 1, end: position + 1, url: href };
    return { start: url.start, end: position - (url.raw.length - raw.length), url: href };
  }
}

/** Drops the punctuation of the sentence. All of it is ASCII, so its length is the same in any unit. */
function trimPunctuation(raw: string): string {
  let end = raw.length;
  const opened = { "(": 0, "[": 0 };
  for (const character of raw) {
    if (character === "(" || character === "[") opened[character] += 1;
    if (character === ")") opened["("] -= 1;
    if (character === "]") opened["["] -= 1;
  }
  for (; end > 0; end--) {
    const last = raw[end - 1]!;
    if (last === "(" || last === "[") {
      if (opened[last] <= 0) break;
      opened[last] -= 1;
    } else if (last === ";") {
      // An entity at the end does not belong to the URL, as in `https://a.example&nbsp;`.
      const entity = /&[a-z0-9]{1,31};$/i.exec(raw.slice(Math.max(0, end - 33), end))?.[0];
      if (entity !== undefined) end -= entity.length - 1;
    } else if (!TRAILING.includes(last) && last !== "\\") {
      break;
    }
  }
  return raw.slice(0, end);
}

/** Models escape characters that Markdown would take for emphasis. */
function unescapeUrl(url: string): string {
  return url.replace(/\\([!-/:-@[-`{-~])/g, "$1");
}
