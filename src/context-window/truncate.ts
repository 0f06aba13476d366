/** `truncation: "auto"` drops whole items from the start of a conversation until the rest fits. Pure. */
import type { ContextItem } from "./measure.ts";

/**
 * Drops the oldest items until the rest is within `budget`; returns undefined if nothing fits. `tokens` holds the size
 * of each item. Related items go together: a call with its output, reasoning with what it led to. System and developer
 * messages stay because they are instructions, and so does the last user message, which the model must answer.
 */
export function truncateItems(
  items: readonly ContextItem[],
  tokens: readonly number[],
  budget: number,
): ContextItem[] | undefined {
  let total = tokens.reduce((sum, each) => sum + each, 0);
  if (total <= budget) return [...items];
  const groups = groupItems(items);
  const staying = new Set(items.flatMap((item, index) => (isInstruction(item) ? [groups[index]!] : [])));
  const lastUserMessage = items.findLastIndex((item) => item.type === "message" && item.role === "user");
  if (lastUserMessage >= 0) staying.add(groups[lastUserMessage]!);
  const sizes = new Map<number, number>();
  for (const [index, group] of groups.entries()) sizes.set(group, (sizes.get(group) ?? 0) + tokens[index]!);
  const dropped = new Set<number>();
  for (const group of groups) {
    if (total <= budget) break;
    if (staying.has(group) || dropped.has(group)) continue;
    dropped.add(group);
    total -= sizes.get(group)!;
  }
  return total <= budget ? items.filter((_item, index) => !dropped.has(groups[index]!)) : undefined;
}

export function isInstruction(item: ContextItem): boolean {
  return item.type === "message" && (item.role === "system" || item.role === "developer");
}

/** The group of each item, as the index of the group's first member. */
function groupItems(items: readonly ContextItem[]): number[] {
  const parents = items.map((_item, index) => index);
  const rootOf = (index: number): number => {
    let root = index;
    while (parents[root] !== root) root = parents[root]!;
    // Path compression for later lookups.
    parents[index] = root;
    return root;
  };
  const join = (a: number, b: number): void => {
    const [first, second] = [rootOf(a), rootOf(b)];
    parents[Math.max(first, second)] = Math.min(first, second);
  };
  const firstOfCall = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const call = callOf(item);
    if (call !== undefined) {
      const first = firstOfCall.get(call);
      if (first === undefined) firstOfCall.set(call, index);
      else join(first, index);
    }
    const before = items[index - 1];
    if (before?.type === "reasoning" && isFromModel(item)) join(index - 1, index);
  }
  return parents.map((_parent, index) => rootOf(index));
}

/** The `call_id` that a call and its output share. */
function callOf(item: ContextItem): string | undefined {
  if (item.type === "mcp_approval_request") return item.id;
  if (item.type === "mcp_approval_response") return item.approval_request_id;
  return ("call_id" in item ? item.call_id : undefined) ?? undefined;
}

function isFromModel(item: ContextItem): boolean {
  return item.type === "message" ? item.role === "assistant" : !item.type.endsWith("_output");
}
