/**
 * The pages that the tools of a conversation have read: those that web search has opened, and the documents that MCP
 * servers have fetched. A page that a search has only listed is none of them, whatever its excerpt says.
 */
import { z } from "zod";
import type { MadeCall } from "./made-call.ts";
import { findFetchedDocument } from "./mcp/fetched-document.ts";
import type { ContextItem } from "../upstreams/upstream.ts";
import { toExactKey, toPageKey } from "./page-key.ts";

const citedSourceSchema = z.object({ url: z.string(), title: z.string() });
export type CitedSource = z.infer<typeof citedSourceSchema>;
const detailsSchema = z.object({ sources: z.array(citedSourceSchema) });

/** What a call has found or read, as it is in the `details` of its result. They may come from an older journal. */
export function readCitedSources(details: unknown): CitedSource[] {
  return detailsSchema.safeParse(details).data?.sources ?? [];
}

/** A function whose name was taken has a number behind it. */
const PAGE_FUNCTION_NAME = /^(?:open_page|find_in_page)(?:_\d+)?$/;

export class CitablePages {
  readonly #exact = new Map<string, CitedSource>();
  /** By `toPageKey`: the one that was read first. */
  readonly #pages = new Map<string, CitedSource>();
  /** Of pages that have none themselves. */
  readonly #listedTitles = new Map<string, string>();

  get size(): number {
    return this.#exact.size;
  }

  add(source: CitedSource): void {
    const key = toExactKey(source.url);
    const known = this.#exact.get(key);
    if (known === undefined || known.title === "") this.#exact.set(key, source);
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
 * Of the calls that were made, by the items that show them, and of calls in the conversation that were made elsewhere:
 * what the client sends of those counts, as it does for what the model is shown.
 */
export function collectCitablePages(
  executed: ReadonlyMap<string, MadeCall>,
  conversation: readonly ContextItem[],
): CitablePages {
  const pages = new CitablePages();
  for (const [itemId, { call, result }] of executed) {
    if (result.isError) continue;
    const sources = readCitedSources(result.details);
    if (itemId.startsWith("ws_")) {
      for (const source of sources) {
        if (PAGE_FUNCTION_NAME.test(call.name)) pages.add(source);
        else pages.addListed(source);
      }
    } else if (itemId.startsWith("mcp_")) {
      for (const source of sources) pages.add(source);
    }
  }
  for (const item of conversation) {
    if (item.id != null && executed.has(item.id)) continue;
    const source = findShownPage(item);
    if (source !== undefined) pages.add(source);
  }
  return pages;
}

function findShownPage(item: ContextItem): CitedSource | undefined {
  if (item.type === "mcp_call") {
    return item.output == null || item.error != null ? undefined : findFetchedDocument(item.name, [item.output]);
  }
  if (item.type !== "web_search_call" || item.status !== "completed") return undefined;
  const { action } = item;
  if (action?.type !== "open_page" && action?.type !== "find_in_page") return undefined;
  return typeof action.url === "string" ? { url: action.url, title: "" } : undefined;
}
