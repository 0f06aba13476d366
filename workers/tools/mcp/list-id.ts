/**
 * Ids of tool lists. A list in a conversation names its server's label, but not the server's address, nor the filter. A
 * label may later belong to another server with other tools and hints. So each id contains a digest of address and
 * filter, and keeps it wherever the list goes: along the chain, into a conversation, to the client and back.
 */
import { createHash } from "node:crypto";
import { itemIdPrefix, newId } from "../../../src/protocol/id.ts";
import type { McpTool } from "./tool-filter.ts";

/** The server and the filter that a list belongs to. */
export interface ListOrigin {
  server_label: string;
  /** The result of `identifyTarget`. */
  address: string;
  allowed_tools: McpTool["allowed_tools"];
}

const RANDOM_DIGITS = 26;
const DIGEST_DIGITS = 24;
const PREFIX = itemIdPrefix("mcp_list_tools");

export function newListId(origin: ListOrigin): string {
  const random = newId(PREFIX, RANDOM_DIGITS);
  return `${random}${digestOrigin(random, origin)}`;
}

export function isListOf(id: string, origin: ListOrigin): boolean {
  const random = id.slice(0, PREFIX.length + 1 + RANDOM_DIGITS);
  return id === `${random}${digestOrigin(random, origin)}`;
}

/** Includes the random part, so that two ids do not reveal that they belong to the same server. */
function digestOrigin(random: string, { server_label, address, allowed_tools }: ListOrigin): string {
  const origin = JSON.stringify([random, server_label, address, normalizeFilter(allowed_tools)]);
  return createHash("sha256").update(origin).digest("hex").slice(0, DIGEST_DIGITS);
}

/** Equal for filters that allow the same tools. */
function normalizeFilter(allowed: McpTool["allowed_tools"]): unknown {
  const { tool_names, read_only } = Array.isArray(allowed) ? { tool_names: allowed } : { ...allowed };
  return [tool_names === undefined ? null : [...new Set(tool_names)].toSorted(), read_only ?? null];
}
