/** The sources that a text lists for its references, by the form of the list. */
import type { MarkdownLink } from "./markdown-link.ts";

/** `[1]: url`; `[1] Title url` and `¹ url` at the start of a line; `1. Title url`; `[1] url` within a line. */
export type SourceKind = "defined" | "listed" | "numbered" | "beside";

const MAX_SOURCES = 5_000;

interface Definition {
  link: MarkdownLink;
  isUsed: boolean;
}

export class SourceLists {
  readonly #defined = new Map<string, Definition>();
  readonly #listed = new Map<string, string>();
  readonly #adjacent = new Map<string, string>();
  /** The last numbered list that has a link. */
  #numbered = new Map<string, string>();
  #lastNumber = 0;

  add(kind: SourceKind, keys: readonly string[], link: MarkdownLink): void {
    for (const key of keys) {
      if (this.#size >= MAX_SOURCES) return;
      if (kind === "defined") {
        // CommonMark §4.7: the first definition wins.
        if (!this.#defined.has(key)) this.#defined.set(key, { link, isUsed: false });
      } else if (kind === "listed") {
        this.#listed.set(key, link.url);
      } else if (kind === "beside") {
        this.#adjacent.set(key, link.url);
      } else {
        this.#addNumbered(Number(key), link.url);
      }
    }
  }

  /** The URL of each key that the text has a source for. */
  find(keys: readonly string[]): string[] {
    const urls = keys.flatMap((key) => {
      const definition = this.#defined.get(key);
      if (definition !== undefined) definition.isUsed = true;
      const url = definition?.link.url ?? this.#listed.get(key) ?? this.#adjacent.get(key) ?? this.#numbered.get(key);
      return url ?? [];
    });
    return [...new Set(urls)];
  }

  listUnused(): MarkdownLink[] {
    return [...this.#defined.values()].flatMap(({ link, isUsed }) => (isUsed ? [] : [link]));
  }

  get #size(): number {
    return this.#defined.size + this.#listed.size + this.#adjacent.size + this.#numbered.size;
  }

  #addNumbered(number: number, url: string): void {
    if (number <= this.#lastNumber) this.#numbered = new Map();
    this.#lastNumber = number;
    this.#numbered.set(String(number), url);
  }
}
