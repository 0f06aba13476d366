/** What a run does, and has done, in one line per item of its output. */
import type OpenAI from "openai";

type Item = OpenAI.Responses.ResponseOutputItem;

/** What begins with the item. */
export function describeStart(item: Item): string {
  switch (item.type) {
    case "reasoning":
      return "thinking";
    case "message":
      return "writing";
    case "web_search_call":
      return "searching the web";
    case "code_interpreter_call":
      return "writing and running Python";
    case "image_generation_call":
      return "drawing an image";
    case "mcp_list_tools":
      return `asking ${item.server_label} for its tools`;
    case "mcp_call":
      return `calling ${item.server_label}.${item.name}`;
    default:
      return item.type.replaceAll("_", " ");
  }
}

/** What the item was; undefined for what the result shows anyway. */
export function describeDone(item: Item): string | undefined {
  switch (item.type) {
    case "reasoning":
    case "message":
      return undefined;
    case "web_search_call":
      return describeSearch(item);
    case "code_interpreter_call":
      return `ran ${item.code?.split("\n").length ?? 0} lines of Python`;
    case "mcp_list_tools":
      return `${item.server_label} has ${item.tools.length} tools`;
    case "mcp_call":
      return `called ${item.server_label}.${item.name} ${item.arguments}${item.error == null ? "" : ", which failed"}`;
    case "mcp_approval_request":
      return `asks for the approval of ${item.server_label}.${item.name} ${item.arguments}`;
    case "function_call":
      return `calls the function ${item.name} ${item.arguments}`;
    default:
      return item.type.replaceAll("_", " ");
  }
}

/** The words of a search, for the status line. */
export function searchOf(item: Item): string | undefined {
  if (item.type !== "web_search_call" || item.action?.type !== "search") return undefined;
  const { queries, query } = item.action;
  return quote(queries?.length ? queries : [query]);
}

function describeSearch(item: Extract<Item, { type: "web_search_call" }>): string {
  const { action } = item;
  const failed = item.status === "failed" ? ", which failed" : "";
  switch (action?.type) {
    case "search":
      return `searched ${searchOf(item) ?? ""}${failed}`;
    case "open_page":
      return `opened ${action.url ?? "a page"}${failed}`;
    case "find_in_page":
      return `looked for “${action.pattern}” in ${action.url}${failed}`;
    default:
      return `searched the web${failed}`;
  }
}

const quote = (queries: readonly (string | undefined)[]): string =>
  queries.map((query) => `“${query ?? ""}”`).join(", ");
