/** `truncation: "auto"`: whole items are dropped from the beginning of a conversation until the rest fits. Pure. */
import type { ContextItem } from "./measure.ts";

/**
 * `items` without the oldest ones, in their order, so that the tokens of what is left are at most `budget`; undefined if
 * no way of dropping leads there. `tokens` are those of each item.
 *
 * What belongs together goes together: a call and its output, reasoning and what it led to. What was said by the system
 * or the developer stays, being instructions, and so does the user's last message: there would be nothing to answer.
 */
export function truncateItems(
  items: readonly ContextItem[],
  tokens: readonly number[],
  budget: number,
): ContextItem[] | undefined {
  let total = tokens.reduce((sum, each) => sum + each, 0);
  if (total <= budget) return [...items];
  const groups = groupItems(items);
  const staying = new Set(items.flatMap((item, place) => (isInstruction(item) ? [groups[place]!] : [])));
  const lastUserMessage = items.findLastIndex((item) => item.type === "message" && item.role === "user");
  if (lastUserMessage >= 0) staying.add(groups[lastUserMessage]!);
  const sizes = new Map<number, number>();
  for (const [place, group] of groups.entries()) sizes.set(group, (sizes.get(group) ?? 0) + tokens[place]!);
  const dropped = new Set<number>();
  for (const group of groups) {
    if (total <= budget) break;
    if (staying.has(group) || dropped.has(group)) continue;
    dropped.add(group);
    total -= sizes.get(group)!;
  }
  return total <= budget ? items.filter((_item, place) => !dropped.has(groups[place]!)) : undefined;
}

export function isInstruction(item: ContextItem): boolean {
  return item.type === "message" && (item.role === "system" || item.role === "developer");
}

/** The group of each item: the place of its first member. */
function groupItems(items: readonly ContextItem[]): number[] {
  const parents = items.map((_item, place) => place);
  const rootOf = (place: number): number => {
    let root = place;
    while (parents[root] !== root) root = parents[root]!;
    // The next one finds it at once.
    parents[place] = root;
    return root;
  };
  const join = (a: number, b: number): void => {
    const [first, second] = [rootOf(a), rootOf(b)];
    parents[Math.max(first, second)] = Math.min(first, second);
  };
  const firstOfCall = new Map<string, number>();
  for (const [place, item] of items.entries()) {
    const call = callOf(item);
    if (call !== undefined) {
      const first = firstOfCall.get(call);
      if (first === undefined) firstOfCall.set(call, place);
      else join(first, place);
    }
    const before = items[place - 1];
    if (before?.type === "reasoning" && isFromModel(item)) join(place - 1, place);
  }
  return parents.map((_parent, place) => rootOf(place));
}

/** What a call and its answer have in common. */
function callOf(item: ContextItem): string | undefined {
  if (item.type === "mcp_approval_request") return item.id;
  if (item.type === "mcp_approval_response") return item.approval_request_id;
  return ("call_id" in item ? item.call_id : undefined) ?? undefined;
}

function isFromModel(item: ContextItem): boolean {
  return item.type === "message" ? item.role === "assistant" : !item.type.endsWith("_output");
}
