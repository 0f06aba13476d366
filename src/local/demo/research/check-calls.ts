/** Checks that each call that a response shows was executed exactly once. Calls are counted where they arrive. */
import type OpenAI from "openai";

type Item = OpenAI.Responses.ResponseOutputItem;

export class ExecutedCallLog {
  readonly #counts = new Map<string, number>();

  record(key: string): void {
    this.#counts.set(key, this.countOf(key) + 1);
  }

  countOf(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  get keys(): string[] {
    return [...this.#counts.keys()];
  }
}

/** The key under which a call of an MCP tool is counted. */
export function callKey(name: string, args: unknown): string {
  return `${name} ${JSON.stringify(args)}`;
}

/** The keys under which a shown call is counted; empty for calls that never leave the worker. */
export function callKeysOf(item: Item): string[] {
  if (item.type === "mcp_call") return [callKey(item.name, JSON.parse(item.arguments || "{}"))];
  if (item.type !== "web_search_call") return [];
  const { action } = item;
  if (action.type === "search") return (action.queries ?? []).map((query) => `search ${query}`);
  return action.url == null || action.url === "" ? [] : [`page ${new URL(action.url).href}`];
}

export const isCompleted = (item: Item): boolean => "status" in item && item.status === "completed";

/**
 * Describes the errors; empty if there are none. Each finished call may have run once. An interrupted call is shown
 * again: a read-only call may have run again, and an interrupted search does not name its query. A response caches
 * pages, so a page may be fetched less often than it is read, but never more often.
 */
export function findRepeatedCalls(
  shown: readonly Item[],
  executed: ExecutedCallLog,
  isReadOnly: (key: string) => boolean,
): string[] {
  const isCut = (item: Item): boolean => "status" in item && item.status === "incomplete";
  const completed = new Set(shown.filter(isCompleted).flatMap(callKeysOf));
  const ended = count(shown.filter((item) => !isCut(item)).flatMap(callKeysOf));
  const cut = shown.filter(isCut);
  const cutCalls = count(cut.flatMap(callKeysOf));
  const unnamedSearches = cut.filter((item) => item.type === "web_search_call" && callKeysOf(item).length === 0).length;
  const errors: string[] = [];
  for (const key of new Set([...executed.keys, ...completed])) {
    const interrupted = (cutCalls.get(key) ?? 0) + (/^(search|page) /.test(key) ? unnamedSearches : 0);
    const maximum = (ended.get(key) ?? 0) + (isReadOnly(key) ? interrupted : 0);
    const times = executed.countOf(key);
    if (times > maximum) errors.push(`made ${times} times instead of ${maximum}: ${key}`);
    if (times === 0 && completed.has(key)) errors.push(`completed, and never made: ${key}`);
  }
  return errors;
}

function count(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
