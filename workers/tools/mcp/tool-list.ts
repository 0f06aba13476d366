/**
 * A server's tool list, which a conversation holds once. The first response that names the server fetches the list and
 * writes it as an item. Later responses with the same server and filter read that item.
 */
import type { ToolSession } from "../tool.ts";
import type { ContextItem } from "../../upstreams/upstream.ts";
import { ListTooLongError } from "./errors.ts";
import { isListOf, type ListOrigin, newListId } from "./list-id.ts";
import type { ListedPage } from "./listed-page.ts";
import { ToolListBuilder } from "./tool-list-builder.ts";
import { listAllowedNames, type ListedTool, type McpToolList } from "./tool-filter.ts";

/** Starts the error of a list that only lacks invalid tools. Clients send it back, and `isReusable` reads it. */
const OMITTED_PREFIX = "Left out of the list:";

/** Undefined if the list must be fetched. */
export function findKnownTools(
  origin: ListOrigin,
  { context, responseItems }: Pick<ToolSession, "context" | "responseItems">,
): readonly ListedTool[] | undefined {
  const { allowed_tools } = origin;
  const isList = (item: ContextItem): item is McpToolList => item.type === "mcp_list_tools";
  // A list that failed in this response is not fetched again after a crash. One that failed in an earlier response is.
  const current = responseItems.filter((item) => isList(item)).find(({ id }) => isListOf(id, origin));
  if (current !== undefined) return current.tools;
  // The request's filter applies to an unfiltered list too.
  const unfiltered = { ...origin, allowed_tools: undefined };
  // A client that keeps the conversation may send back a list that a cancellation cut off.
  const list = context
    .filter((item) => isList(item))
    .filter(isReusable)
    .findLast(({ id }) => isListOf(id, origin) || isListOf(id, unfiltered));
  if (list === undefined) return undefined;
  // The server may have more tools now.
  const names = new Set(list.tools.map(({ name }) => name));
  return listAllowedNames(allowed_tools).every((name) => names.has(name)) ? list.tools : undefined;
}

/** If its error only names dropped tools, the list has all usable tools. */
function isReusable({ status, error, tools }: McpToolList): boolean {
  if (status === "incomplete") return false;
  return error == null || (tools.length > 0 && error.startsWith(OMITTED_PREFIX));
}

/**
 * Fetches the list, and writes its item. `describeError` turns a server's error into a sentence, and rethrows the
 * signal's reason.
 */
export async function fetchToolList(
  origin: ListOrigin,
  session: ToolSession,
  fetchPages: () => AsyncIterable<ListedPage>,
  describeError: (error: unknown) => string,
): Promise<readonly ListedTool[]> {
  const list = async () => await writeToolList(origin, session, fetchPages, describeError);
  return (await session.trackListing("mcp_list_tools", origin.server_label, list)).tools;
}

async function writeToolList(
  origin: ListOrigin,
  session: ToolSession,
  fetchPages: () => AsyncIterable<ListedPage>,
  describeError: (error: unknown) => string,
): Promise<{ tools: readonly ListedTool[]; isListed: boolean }> {
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
    const readError = await readPages(list, fetchPages(), describeError);
    const { tools } = list;
    const error = joinErrors(readError, list.flaws);
    if (error !== undefined)
      session.logger.info({ server: server_label, error }, "The tool list of an MCP server is incomplete");
    const isUsable = tools.length > 0 || error === undefined;
    await session.writeEvents([
      { type: `response.mcp_list_tools.${isUsable ? "completed" : "failed"}`, ...at },
      { type: "response.output_item.done", output_index, item: item(tools, error) },
    ]);
    return { tools, isListed: isUsable };
  } catch (error) {
    const sentence = describeError(error);
    await session.writeEvents([
      { type: "response.mcp_list_tools.failed", ...at },
      { type: "response.output_item.done", output_index, item: item([], sentence) },
    ]);
    return { tools: [], isListed: false };
  }
}

function joinErrors(readError: string | undefined, flaws: readonly string[]): string | undefined {
  const sentences = [
    ...(readError === undefined ? [] : [`The list of tools ends early: ${readError}`]),
    ...(flaws.length === 0 ? [] : [OMITTED_PREFIX, ...flaws]),
  ];
  return sentences.length === 0 ? undefined : sentences.join(" ");
}

/** An error after the first tools ends the list. Resolves with the error's sentence. */
async function readPages(
  list: ToolListBuilder,
  pages: AsyncIterable<ListedPage>,
  describeError: (error: unknown) => string,
): Promise<string | undefined> {
  try {
    for await (const page of pages) list.add(page);
  } catch (error) {
    if (list.tools.length === 0 || error instanceof ListTooLongError) throw error;
    return describeError(error);
  }
  list.checkNotEmpty();
  return undefined;
}
