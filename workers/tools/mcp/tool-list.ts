/**
 * The list of a server's tools, which a conversation holds once: it is asked for when a response is the first to name the
 * server, shown as an item, and read from that item from then on.
 */
import { newItemId } from "../../../src/protocol/id.ts";
import type { ToolSession } from "../../tool.ts";
import { ListTooLongError } from "./faults.ts";
import { allowedNames, isAllowed, type ListedTool, type McpTool, type McpToolList } from "./tool-filter.ts";

const TOOLS_MAXIMUM = 512;
const LIST_MAXIMUM_CHARACTERS = 1024 * 1024;

/** Undefined if the server has to be asked. */
export function knownTools(tool: McpTool, { context, produced }: ToolSession): readonly ListedTool[] | undefined {
  const isOfServer = (item: { type: string }): item is McpToolList =>
    item.type === "mcp_list_tools" && (item as McpToolList).server_label === tool.server_label;
  // One that failed in this very response is not tried again after a crash; one that failed before it is.
  const own = produced.find(isOfServer);
  if (own !== undefined) return own.tools;
  const list = context.findLast((item): item is McpToolList => isOfServer(item) && item.error == null);
  if (list === undefined) return undefined;
  // An earlier response may have let through less than this one asks for.
  const names = new Set(list.tools.map(({ name }) => name));
  return allowedNames(tool.allowed_tools).every((name) => names.has(name)) ? list.tools : undefined;
}

/** Asks, and shows what is asked for and what came of it. `faultOf` says what went wrong, or rejects if it is no fault. */
export async function listTools(
  tool: McpTool,
  session: ToolSession,
  ask: () => Promise<ListedTool[]>,
  faultOf: (error: unknown) => string,
): Promise<readonly ListedTool[]> {
  const { server_label } = tool;
  const output_index = session.nextIndex();
  const id = newItemId("mcp_list_tools");
  const at = { output_index, item_id: id };
  const item = (tools: ListedTool[], error?: string): McpToolList => ({
    type: "mcp_list_tools",
    id,
    server_label,
    tools,
    ...(error !== undefined && { error }),
  });
  await session.show(
    { type: "response.output_item.added", output_index, item: item([]) },
    { type: "response.mcp_list_tools.in_progress", ...at },
  );
  try {
    const tools = checkLength((await ask()).filter((each) => isAllowed(each, tool.allowed_tools)));
    await session.show(
      { type: "response.mcp_list_tools.completed", ...at },
      { type: "response.output_item.done", output_index, item: item(tools) },
    );
    return tools;
  } catch (error) {
    const fault = faultOf(error);
    await session.show(
      { type: "response.mcp_list_tools.failed", ...at },
      { type: "response.output_item.done", output_index, item: item([], fault) },
    );
    return [];
  }
}

function checkLength(tools: ListedTool[]): ListedTool[] {
  if (tools.length > TOOLS_MAXIMUM || JSON.stringify(tools).length > LIST_MAXIMUM_CHARACTERS) {
    throw new ListTooLongError();
  }
  return tools;
}
