/**
 * Which of a server's tools a request lets the model call, and for which of them it wants to be asked. The request says so
 * by names and by whether a tool is read-only, which is the server's own word: its `readOnlyHint`.
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

/** A filter that says nothing lets everything through. */
export function isAllowed(tool: ListedTool, allowed: McpTool["allowed_tools"]): boolean {
  if (allowed == null) return true;
  return Array.isArray(allowed) ? allowed.includes(tool.name) : matchesFilter(tool, allowed);
}

/** The names that a request allows, if it gives names. */
export function listAllowedNames(allowed: McpTool["allowed_tools"]): readonly string[] {
  if (allowed == null) return [];
  return Array.isArray(allowed) ? allowed : (allowed.tool_names ?? []);
}

/** Who says nothing about a tool is asked, and so is who says both. */
export function needsApproval(tool: ListedTool, required: McpTool["require_approval"]): boolean {
  if (required == null || required === "always") return true;
  if (required === "never") return false;
  return isSelectedBy(tool, required.always) || !isSelectedBy(tool, required.never);
}

/** Of approvals, a filter that says nothing names no tool: an empty `never` must not mean all. */
function isSelectedBy(tool: ListedTool, filter: Filter | undefined): boolean {
  if (filter === undefined || (filter.tool_names === undefined && filter.read_only === undefined)) return false;
  return matchesFilter(tool, filter);
}

function matchesFilter(tool: ListedTool, { tool_names: names, read_only: readOnly }: Filter): boolean {
  if (names !== undefined && !names.includes(tool.name)) return false;
  return readOnly === undefined || isReadOnly(tool) === readOnly;
}
