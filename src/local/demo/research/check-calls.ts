/** Whether each call that a response shows was made, and made once. What was made is counted where the calls arrive. */
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

/** What a call of an MCP tool is counted under. */
export function callKey(name: string, args: unknown): string {
  return `${name} ${JSON.stringify(args)}`;
}

/** What a shown call is counted under; empty for what reaches nobody outside the worker. */
export function callKeysOf(item: Item): string[] {
  if (item.type === "mcp_call") return [callKey(item.name, JSON.parse(item.arguments || "{}"))];
  if (item.type !== "web_search_call") return [];
  const { action } = item;
  if (action.type === "search") return (action.queries ?? []).map((query) => `search ${query}`);
  return action.url == null || action.url === "" ? [] : [`page ${new URL(action.url).href}`];
}

export const isCompleted = (item: Item): boolean => "status" in item && item.status === "completed";

/**
 * What is wrong, in words; empty if nothing is. Each call that has ended may have been made once. One that was cut off is
 * shown again: if it only reads, it may have been made again as well, and a search that was cut off does not say what for.
 * A page is kept while a response reads it: it may be fetched less often than it is read, and never more often.
 */
export function findRepeatedCalls(
  shown: readonly Item[],
  made: ExecutedCallLog,
  isReadOnly: (key: string) => boolean,
): string[] {
  const isCut = (item: Item): boolean => "status" in item && item.status === "incomplete";
  const completed = new Set(shown.filter(isCompleted).flatMap(callKeysOf));
  const ended = count(shown.filter((item) => !isCut(item)).flatMap(callKeysOf));
  const cut = shown.filter(isCut);
  const cutCalls = count(cut.flatMap(callKeysOf));
  const nameless = cut.filter((item) => item.type === "web_search_call" && callKeysOf(item).length === 0).length;
  const faults: string[] = [];
  for (const key of new Set([...made.keys, ...completed])) {
    const again = (cutCalls.get(key) ?? 0) + (/^(search|page) /.test(key) ? nameless : 0);
    const most = (ended.get(key) ?? 0) + (isReadOnly(key) ? again : 0);
    const times = made.countOf(key);
    if (times > most) faults.push(`made ${times} times instead of ${most}: ${key}`);
    if (times === 0 && completed.has(key)) faults.push(`completed, and never made: ${key}`);
  }
  return faults;
}

function count(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
