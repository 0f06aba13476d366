/**
 * How a model sees web search calls without a journal, which pages may be cited, and how many searches a response made.
 */
import type { ToolItems } from "../tool-items.ts";
import { readCitedSources, RESULT_UNAVAILABLE } from "../tool-items.ts";

/** A function whose name was taken has a number at its end. */
const PAGE_FUNCTION_NAME = /^(?:open_page|find_in_page)(?:_\d+)?$/;

export const webSearchItems: ToolItems = {
  callTypes: ["web_search_call"],
  render: (item) => {
    if (item.type !== "web_search_call") return undefined;
    const json = JSON.stringify(item.action ?? {});
    return { kind: "call", name: "web_search", arguments: json, output: RESULT_UNAVAILABLE };
  },
  findSource: (item) => {
    if (item.type !== "web_search_call" || item.status !== "completed") return undefined;
    const { action } = item;
    if (action?.type !== "open_page" && action?.type !== "find_in_page") return undefined;
    return typeof action.url === "string" ? { url: action.url, title: "" } : undefined;
  },
  readSources: ({ call, result }) => {
    const sources = readCitedSources(result.details);
    return PAGE_FUNCTION_NAME.test(call.name) ? { read: sources, listed: [] } : { read: [], listed: sources };
  },
  addUsage: (usage, item) => {
    if (item.type !== "web_search_call" || item.status !== "completed" || item.action.type !== "search") return usage;
    const searches = item.action.queries?.length ?? 1;
    if (searches === 0) return usage;
    return { ...usage, web_search: { num_requests: (usage.web_search?.num_requests ?? 0) + searches } };
  },
};
