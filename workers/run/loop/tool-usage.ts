/** Adds what the server's own tools used to what the provider reports of its tools. */
import type { ProviderReport } from "../../../src/lifecycle/lifecycle-events.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { ToolItemSet } from "../../tools/tool-items.ts";

/** Counts only those of the items whose calls this server executed. */
export function addToolUsage(
  tools: ToolItemSet,
  report: ProviderReport | undefined,
  items: readonly OutputItem[],
  executed: ReadonlyMap<string, unknown>,
): ProviderReport | undefined {
  const reported = report?.toolUsage ?? {};
  const toolUsage = items
    .filter(({ id }) => executed.has(id))
    .reduce((usage, item) => tools.addUsage(usage, item), reported);
  return toolUsage === reported ? report : { ...report, toolUsage };
}
