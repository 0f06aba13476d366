/**
 * The list of a server's tools, which a conversation holds once: it is asked for when a response is the first to name the
 * server, shown as an item, and read from that item from then on by those who name the same server and filter.
 */
import type { ToolSession } from "../tool.ts";
import type { ContextItem } from "../../upstreams/upstream.ts";
import { ListTooLongError } from "./errors.ts";
import { isListOf, type ListOrigin, newListId } from "./list-id.ts";
import type { ListedPage } from "./listed-page.ts";
import { ToolListBuilder } from "./tool-list-builder.ts";
import { listAllowedNames, type ListedTool, type McpToolList } from "./tool-filter.ts";

/** How the error of a list begins that lacks only tools which the server describes wrongly. */
const OMITTED_PREFIX = "Left out of the list:";

/** Undefined if the server has to be asked. */
export function findKnownTools(
  origin: ListOrigin,
  { context, responseItems }: Pick<ToolSession, "context" | "responseItems">,
): readonly ListedTool[] | undefined {
  const { allowed_tools } = origin;
  const isList = (item: ContextItem): item is McpToolList => item.type === "mcp_list_tools";
  // One that failed in this very response is not tried again after a crash; one that failed before it is.
  const own = responseItems.filter((item) => isList(item)).find(({ id }) => isListOf(id, origin));
  if (own !== undefined) return own.tools;
  // Of a list from which nothing was left out, this request's filter makes what it wants.
  const unfiltered = { ...origin, allowed_tools: undefined };
  // One that a cancel has cut off may be sent back by a client that keeps the conversation itself.
  const list = context
    .filter((item) => isList(item))
    .filter(isReusable)
    .findLast(({ id }) => isListOf(id, origin) || isListOf(id, unfiltered));
  if (list === undefined) return undefined;
  // The server may have more by now.
  const names = new Set(list.tools.map(({ name }) => name));
  return listAllowedNames(allowed_tools).every((name) => names.has(name)) ? list.tools : undefined;
}

/** A list whose error only names tools that were left out has all that the server can give. */
function isReusable({ status, error, tools }: McpToolList): boolean {
  if (status === "incomplete") return false;
  return error == null || (tools.length > 0 && error.startsWith(OMITTED_PREFIX));
}

/** Asks, and shows what is asked for and what came of it. `faultOf` says what went wrong, or rejects if it is no fault. */
export async function fetchToolList(
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
  await session.writeEvents([
    { type: "response.output_item.added", output_index, item: item([]) },
    { type: "response.mcp_list_tools.in_progress", ...at },
  ]);
  try {
    const list = new ToolListBuilder(allowed_tools);
    const fault = await readPages(list, ask(), faultOf);
    const { tools } = list;
    const error = describeError(fault, list.flaws);
    if (error !== undefined) session.logger.info({ server: server_label, error }, "An MCP server's list lacks tools");
    const isOfUse = tools.length > 0 || error === undefined;
    await session.writeEvents([
      { type: `response.mcp_list_tools.${isOfUse ? "completed" : "failed"}`, ...at },
      { type: "response.output_item.done", output_index, item: item(tools, error) },
    ]);
    return tools;
  } catch (error) {
    const fault = faultOf(error);
    await session.writeEvents([
      { type: "response.mcp_list_tools.failed", ...at },
      { type: "response.output_item.done", output_index, item: item([], fault) },
    ]);
    return [];
  }
}

function describeError(fault: string | undefined, flaws: readonly string[]): string | undefined {
  const sentences = [
    ...(fault === undefined ? [] : [`The list of tools ends early: ${fault}`]),
    ...(flaws.length === 0 ? [] : [OMITTED_PREFIX, ...flaws]),
  ];
  return sentences.length === 0 ? undefined : sentences.join(" ");
}

/** What fails behind the first tools ends the list; resolves with what it was. */
async function readPages(
  list: ToolListBuilder,
  pages: AsyncIterable<ListedPage>,
  faultOf: (error: unknown) => string,
): Promise<string | undefined> {
  try {
    for await (const page of pages) list.add(page);
  } catch (error) {
    if (list.tools.length === 0 || error instanceof ListTooLongError) throw error;
    return faultOf(error);
  }
  list.checkNotEmpty();
  return undefined;
}
