/** An item of the output in a few words: what it is, and how it ended. */
import type { OutputItem } from "../../../protocol/item.ts";

export interface ItemWords {
  /** What the model or a tool did, such as `Searched the web`. */
  title: string;
  /** The most telling detail, such as a query. */
  detail?: string;
  /** An address that it opened. */
  url?: string;
  outcome: "running" | "done" | "failed" | "cut off" | "waiting";
}

type ItemOf<T extends OutputItem["type"]> = Extract<OutputItem, { type: T }>;

const DETAIL_LENGTH = 300;

export function describeItem(item: OutputItem, isDone: boolean): ItemWords {
  const words = wordsFor(item);
  const outcome = words.outcome ?? outcomeOf(item, isDone);
  const detail = words.detail === undefined || words.detail === "" ? {} : { detail: shorten(words.detail) };
  return { ...words, ...detail, outcome };
}

function wordsFor(item: OutputItem): Omit<ItemWords, "outcome"> & Partial<Pick<ItemWords, "outcome">> {
  switch (item.type) {
    case "message":
      return { title: item.phase === "commentary" ? "Comment" : "Answer" };
    case "reasoning":
      return { title: "Thinking", detail: firstLine(item.summary[0]?.text ?? item.content?.[0]?.text ?? "") };
    case "web_search_call":
      return describeSearch(item);
    case "file_search_call":
      return { title: "Searched files", detail: item.queries.join(" · ") };
    case "code_interpreter_call":
      return { title: "Ran Python", detail: firstLine(item.code ?? "") };
    case "image_generation_call":
      return { title: "Made an image", detail: item.revised_prompt ?? "" };
    case "mcp_list_tools":
      return {
        title: `Listed the tools of ${item.server_label}`,
        detail: item.error ?? item.tools.map(({ name }) => name).join(", "),
        ...(item.error != null && { outcome: "failed" }),
      };
    case "mcp_call":
      return {
        title: `Called ${item.server_label}.${item.name}`,
        detail: item.arguments,
        ...(item.error != null && { outcome: "failed" }),
      };
    case "mcp_approval_request":
      return {
        title: `Asks to call ${item.server_label}.${item.name}`,
        detail: item.arguments,
        outcome: "waiting",
      };
    case "mcp_approval_response":
      return { title: item.approve ? "Approved" : "Refused", detail: item.reason ?? "" };
    case "function_call":
      return { title: `Asks the client to call ${item.name}`, detail: item.arguments };
    case "custom_tool_call":
      return { title: `Asks the client to call ${item.name}`, detail: item.input };
    case "shell_call":
      return { title: "Ran commands", detail: item.action.commands.join(" && ") };
    case "local_shell_call":
      return { title: "Asks the client to run a command", detail: item.action.command.join(" ") };
    case "compaction":
      return { title: "Shortened the history" };
    default:
      return { title: item.type.replaceAll("_", " ") };
  }
}

function describeSearch({ action }: ItemOf<"web_search_call">) {
  switch (action.type) {
    case "search":
      return { title: "Searched the web", detail: (action.queries ?? [action.query ?? ""]).join(" · ") };
    case "open_page":
      return { title: "Opened a page", detail: action.url ?? "", ...(action.url != null && { url: action.url }) };
    case "find_in_page":
      return { title: `Looked for “${shorten(action.pattern)}”`, detail: action.url, url: action.url };
  }
}

function outcomeOf(item: OutputItem, isDone: boolean): ItemWords["outcome"] {
  const status = "status" in item ? item.status : undefined;
  if (status === "failed") return "failed";
  if (status === "incomplete") return "cut off";
  return isDone ? "done" : "running";
}

function firstLine(text: string): string {
  return /\S[^\n]*/.exec(text.slice(0, DETAIL_LENGTH * 2))?.[0] ?? "";
}

function shorten(text: string): string {
  return text.length > DETAIL_LENGTH ? `${text.slice(0, DETAIL_LENGTH)} …` : text;
}
