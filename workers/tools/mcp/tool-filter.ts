/**
 * Decides which of a server's tools the model may call, and which calls need the client's approval. A request selects
 * tools by name, and by the server's own `readOnlyHint`.
 */
import { z } from "zod";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { Tool } from "../../../src/protocol/tool.ts";

export type McpTool = Extract<Tool, { type: "mcp" }>;
export type McpToolList = Extract<OutputItem, { type: "mcp_list_tools" }>;
export type ListedTool = McpToolList["tools"][number];

type Filter = Exclude<NonNullable<McpTool["allowed_tools"]>, string[]>;

const annotationsSchema = z.looseObject({ readOnlyHint: z.boolean().optional() });

export function isReadOnly({ annotations }: ListedTool): boolean {
  return annotationsSchema.safeParse(annotations).data?.readOnlyHint === true;
}

/** An empty filter allows every tool. */
export function isAllowed(tool: ListedTool, allowed: McpTool["allowed_tools"]): boolean {
  if (allowed == null) return true;
  return Array.isArray(allowed) ? allowed.includes(tool.name) : matchesFilter(tool, allowed);
}

/** The names that a request allows. Empty if it names none. */
export function listAllowedNames(allowed: McpTool["allowed_tools"]): readonly string[] {
  if (allowed == null) return [];
  return Array.isArray(allowed) ? allowed : (allowed.tool_names ?? []);
}

/** A tool that the request does not mention needs approval, and so does a tool that it lists under both. */
export function needsApproval(tool: ListedTool, required: McpTool["require_approval"]): boolean {
  if (required == null || required === "always") return true;
  if (required === "never") return false;
  return isSelectedBy(tool, required.always) || !isSelectedBy(tool, required.never);
}

/** An empty filter of approvals selects no tool: an empty `never` must not mean all. */
function isSelectedBy(tool: ListedTool, filter: Filter | undefined): boolean {
  if (filter === undefined || (filter.tool_names === undefined && filter.read_only === undefined)) return false;
  return matchesFilter(tool, filter);
}

function matchesFilter(tool: ListedTool, { tool_names: names, read_only: readOnly }: Filter): boolean {
  if (names !== undefined && !names.includes(tool.name)) return false;
  return readOnly === undefined || isReadOnly(tool) === readOnly;
}
