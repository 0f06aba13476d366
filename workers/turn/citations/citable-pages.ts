/**
 * The pages that a conversation's tools have read, and that an answer may cite. A page that a search only listed is not
 * citable. Its title is used for a page that was read without one.
 */
import type { CitedSource, ExecutedCall, ToolItemSet } from "../../tools/tool-items.ts";
import type { ContextItem } from "../../upstreams/upstream.ts";
import { toExactKey, toPageKey } from "./page-key.ts";

export class CitablePages {
  readonly #exact = new Map<string, CitedSource>();
  /** By `toPageKey`. The first page that was read wins. */
  readonly #pages = new Map<string, CitedSource>();
  readonly #listedTitles = new Map<string, string>();

  get size(): number {
    return this.#exact.size;
  }

  add(source: CitedSource): void {
    const key = toExactKey(source.url);
    const existing = this.#exact.get(key);
    if (existing === undefined || existing.title === "") this.#exact.set(key, source);
    const page = toPageKey(source.url);
    const similar = this.#pages.get(page);
    if (similar === undefined || similar.title === "") this.#pages.set(page, source);
  }

  addListed({ url, title }: CitedSource): void {
    const key = toPageKey(url);
    if (title !== "" && !this.#listedTitles.has(key)) this.#listedTitles.set(key, title);
  }

  /** The page that a link leads to, however it spells the URL. */
  find(url: string): CitedSource | undefined {
    const found = this.#exact.get(toExactKey(url)) ?? this.#pages.get(toPageKey(url));
    if (found === undefined || found.title !== "") return found;
    return { ...found, title: this.#listedTitles.get(toPageKey(url)) ?? "" };
  }
}

/**
 * Pages of the executed calls, by the ids of their items, and of calls in the conversation that ran elsewhere: the client's
 * items count as sources, as they do in the model's context.
 */
export function collectCitablePages(
  tools: ToolItemSet,
  executed: ReadonlyMap<string, ExecutedCall>,
  conversation: readonly ContextItem[],
): CitablePages {
  const pages = new CitablePages();
  for (const [itemId, call] of executed) {
    if (call.result.isError) continue;
    const { read, listed } = tools.readSources(itemId, call);
    for (const source of read) pages.add(source);
    for (const source of listed) pages.addListed(source);
  }
  for (const item of conversation) {
    if (item.id != null && executed.has(item.id)) continue;
    const source = tools.findSource(item);
    if (source !== undefined) pages.add(source);
  }
  return pages;
}
