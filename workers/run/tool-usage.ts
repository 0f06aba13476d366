/** What the server's own tools used, in the place where providers report what theirs did. */
import type { ProviderReport } from "../../src/lifecycle/lifecycle-events.ts";
import type { OutputItem } from "../../src/protocol/item.ts";

/** The searches among `items` that this server made are added to those that the provider reports. */
export function addSearchUsage(
  report: ProviderReport | undefined,
  items: readonly OutputItem[],
  made: ReadonlyMap<string, unknown>,
): ProviderReport | undefined {
  const searches = items.reduce((sum, item) => sum + (made.has(item.id) ? countQueries(item) : 0), 0);
  if (searches === 0) return report;
  const reported = report?.toolUsage?.web_search?.num_requests ?? 0;
  const web_search = { num_requests: reported + searches };
  return { ...report, toolUsage: { ...report?.toolUsage, web_search } };
}

function countQueries(item: OutputItem): number {
  if (item.type !== "web_search_call" || item.status !== "completed" || item.action.type !== "search") return 0;
  return item.action.queries?.length ?? 1;
}
