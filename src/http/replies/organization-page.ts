/** Pages of administration: lists that are short enough to read whole. */
import { listCursorNotFound } from "../../lifecycle/errors/state.ts";
import { type List, toPage } from "../../protocol/list.ts";
import type { OrganizationListQuery } from "../../protocol/organization/projects.ts";

/**
 * `entries` in any order. A page after `after`, or the one that ends before `before`. Throws the contract's error if either
 * names no entry.
 */
export function toOrganizationPage<T extends { id: string; created_at?: number }>(
  entries: readonly T[],
  { limit, order, after, before }: OrganizationListQuery,
): List<T> {
  const oldestFirst = entries.toSorted((a, b) => (a.created_at ?? 0) - (b.created_at ?? 0) || (a.id < b.id ? -1 : 1));
  const ordered = order === "asc" ? oldestFirst : oldestFirst.toReversed();
  const start = after === undefined ? 0 : indexOf(ordered, after) + 1;
  const end = before === undefined ? ordered.length : indexOf(ordered, before);
  const between = ordered.slice(start, end);
  const data = before !== undefined && after === undefined ? between.slice(-limit) : between.slice(0, limit);
  return toPage(data, between.length > data.length);
}

function indexOf(entries: readonly { id: string }[], id: string): number {
  const index = entries.findIndex((entry) => entry.id === id);
  if (index === -1) throw listCursorNotFound(id);
  return index;
}
