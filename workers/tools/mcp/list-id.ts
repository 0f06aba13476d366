/**
 * Ids of lists of tools. A list that stands in a conversation says its server's label, and neither where the server was nor
 * what was left out: a label may since have been given to another server, whose tools and their hints are not these. So
 * the id of each list that is made here has a digest of both in it, and goes wherever the list goes: along the chain, into
 * a conversation, to the client and back.
 */
import { createHash } from "node:crypto";
import { itemIdPrefix, newId } from "../../../src/protocol/id.ts";
import type { McpTool } from "./tool-filter.ts";

/** What a list is of. */
export interface ListOrigin {
  server_label: string;
  /** Where the server is, as `identifyTarget` says it. */
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

/** With the random part in it: two ids do not say that they are of the same server. */
function digestOrigin(random: string, { server_label, address, allowed_tools }: ListOrigin): string {
  const origin = JSON.stringify([random, server_label, address, normalizeFilter(allowed_tools)]);
  return createHash("sha256").update(origin).digest("hex").slice(0, DIGEST_DIGITS);
}

/** The same for filters that let the same tools through. */
function normalizeFilter(allowed: McpTool["allowed_tools"]): unknown {
  const { tool_names, read_only } = Array.isArray(allowed) ? { tool_names: allowed } : { ...allowed };
  return [tool_names === undefined ? null : [...new Set(tool_names)].toSorted(), read_only ?? null];
}
