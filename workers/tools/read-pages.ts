/**
 * The pages that the tools of a conversation have read: those that web search has opened, and the documents that MCP
 * servers have fetched. A page that a search has only listed is none of them, whatever its excerpt says.
 */
import { z } from "zod";
import type { MadeCall } from "./made-call.ts";
import { fetchedDocument } from "./mcp/fetched-document.ts";
import type { ContextItem } from "../upstreams/upstream.ts";
import { exactKey, pageKey } from "./page-key.ts";

const citedSourceSchema = z.object({ url: z.string(), title: z.string() });
export type CitedSource = z.infer<typeof citedSourceSchema>;
const detailsSchema = z.object({ sources: z.array(citedSourceSchema) });

/** What a call has found or read, as it is in the `details` of its result. They may come from an older journal. */
export function citedSources(details: unknown): CitedSource[] {
  return detailsSchema.safeParse(details).data?.sources ?? [];
}

/** A function whose name was taken has a number behind it. */
const OPENS_PAGES = /^(?:open_page|find_in_page)(?:_\d+)?$/;

export class ReadPages {
  readonly #exact = new Map<string, CitedSource>();
  /** By `pageKey`: the one that was read first. */
  readonly #pages = new Map<string, CitedSource>();
  /** Of pages that have none themselves. */
  readonly #listedTitles = new Map<string, string>();

  get size(): number {
    return this.#exact.size;
  }

  add(source: CitedSource): void {
    const key = exactKey(source.url);
    const known = this.#exact.get(key);
    if (known === undefined || known.title === "") this.#exact.set(key, source);
    const page = pageKey(source.url);
    const similar = this.#pages.get(page);
    if (similar === undefined || similar.title === "") this.#pages.set(page, source);
  }

  addListed({ url, title }: CitedSource): void {
    const key = pageKey(url);
    if (title !== "" && !this.#listedTitles.has(key)) this.#listedTitles.set(key, title);
  }

  /** The page that a link leads to, however it spells the URL. */
  find(url: string): CitedSource | undefined {
    const found = this.#exact.get(exactKey(url)) ?? this.#pages.get(pageKey(url));
    if (found === undefined || found.title !== "") return found;
    return { ...found, title: this.#listedTitles.get(pageKey(url)) ?? "" };
  }
}

/**
 * Of the calls that were made, by the items that show them, and of calls in the conversation that were made elsewhere:
 * what the client sends of those counts, as it does for what the model is shown.
 */
export function readPages(made: ReadonlyMap<string, MadeCall>, conversation: readonly ContextItem[]): ReadPages {
  const pages = new ReadPages();
  for (const [itemId, { call, result }] of made) {
    if (result.isError) continue;
    const sources = citedSources(result.details);
    if (itemId.startsWith("ws_")) {
      for (const source of sources) {
        if (OPENS_PAGES.test(call.name)) pages.add(source);
        else pages.addListed(source);
      }
    } else if (itemId.startsWith("mcp_")) {
      for (const source of sources) pages.add(source);
    }
  }
  for (const item of conversation) {
    if (item.id != null && made.has(item.id)) continue;
    const source = shownPage(item);
    if (source !== undefined) pages.add(source);
  }
  return pages;
}

function shownPage(item: ContextItem): CitedSource | undefined {
  if (item.type === "mcp_call") {
    return item.output == null || item.error != null ? undefined : fetchedDocument(item.name, [item.output]);
  }
  if (item.type !== "web_search_call" || item.status !== "completed") return undefined;
  const { action } = item;
  if (action?.type !== "open_page" && action?.type !== "find_in_page") return undefined;
  return typeof action.url === "string" ? { url: action.url, title: "" } : undefined;
}
