/**
 * The list of a server's tools, which a conversation holds once: it is asked for when a response is the first to name the
 * server, shown as an item, and read from that item from then on by those who name the same server and filter.
 */
import type { ToolSession } from "../../tool.ts";
import type { ContextItem } from "../../upstream.ts";
import type { ListedPage } from "./connection.ts";
import { AnswerTooLongError, ListTooLongError } from "./faults.ts";
import { isListOf, type ListOrigin, newListId } from "./list-id.ts";
import { allowedNames, isAllowed, type ListedTool, type McpToolList } from "./tool-filter.ts";

/** Of the tools that the request allows. */
const TOOLS_MAXIMUM = 512;
const LIST_MAXIMUM_CHARACTERS = 1024 * 1024;
/** Of all pages, with the tools that it does not allow. */
const READ_MAXIMUM_CHARACTERS = 8 * 1024 * 1024;

/** Undefined if the server has to be asked. */
export function knownTools(
  origin: ListOrigin,
  { context, produced }: Pick<ToolSession, "context" | "produced">,
): readonly ListedTool[] | undefined {
  const { allowed_tools } = origin;
  const isList = (item: ContextItem): item is McpToolList => item.type === "mcp_list_tools";
  // One that failed in this very response is not tried again after a crash; one that failed before it is.
  const own = produced.filter((item) => isList(item)).find(({ id }) => isListOf(id, origin));
  if (own !== undefined) return own.tools;
  // Of a list from which nothing was left out, this request's filter makes what it wants.
  const unfiltered = { ...origin, allowed_tools: undefined };
  // One that a cancel has cut off may be sent back by a client that keeps the conversation itself.
  const list = context
    .filter((item) => isList(item))
    .filter(({ status, error }) => status !== "incomplete" && error == null)
    .findLast(({ id }) => isListOf(id, origin) || isListOf(id, unfiltered));
  if (list === undefined) return undefined;
  // The server may have more by now.
  const names = new Set(list.tools.map(({ name }) => name));
  return allowedNames(allowed_tools).every((name) => names.has(name)) ? list.tools : undefined;
}

/** Asks, and shows what is asked for and what came of it. `faultOf` says what went wrong, or rejects if it is no fault. */
export async function listTools(
  origin: ListOrigin,
  session: ToolSession,
  ask: () => AsyncIterable<ListedPage>,
  faultOf: (error: unknown) => string,
): Promise<readonly ListedTool[]> {
  const { server_label, allowed_tools } = origin;
  const output_index = session.nextIndex();
  const id = newListId(origin);
  const at = { output_index, item_id: id };
  const item = (tools: ListedTool[], error?: string): McpToolList => ({
    type: "mcp_list_tools",
    id,
    server_label,
    tools,
    ...(error !== undefined && { error }),
  });
  await session.show([
    { type: "response.output_item.added", output_index, item: item([]) },
    { type: "response.mcp_list_tools.in_progress", ...at },
  ]);
  try {
    const tools = await readTools(ask(), allowed_tools);
    await session.show([
      { type: "response.mcp_list_tools.completed", ...at },
      { type: "response.output_item.done", output_index, item: item(tools) },
    ]);
    return tools;
  } catch (error) {
    const fault = faultOf(error);
    await session.show([
      { type: "response.mcp_list_tools.failed", ...at },
      { type: "response.output_item.done", output_index, item: item([], fault) },
    ]);
    return [];
  }
}

/** What is too long is left at the first page that makes it so. */
async function readTools(
  pages: AsyncIterable<ListedPage>,
  allowed: ListOrigin["allowed_tools"],
): Promise<ListedTool[]> {
  const kept: ListedTool[] = [];
  let read = 0;
  let characters = 0;
  for await (const page of pages) {
    read += page.characters;
    for (const tool of page.tools.filter((each) => isAllowed(each, allowed))) {
      kept.push(tool);
      characters += JSON.stringify(tool).length;
    }
    if (kept.length > TOOLS_MAXIMUM || characters > LIST_MAXIMUM_CHARACTERS) throw new ListTooLongError();
    if (read > READ_MAXIMUM_CHARACTERS) throw new AnswerTooLongError();
  }
  return kept;
}
