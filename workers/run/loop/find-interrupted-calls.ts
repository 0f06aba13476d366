/** The start of an attempt's loop: calls that an earlier attempt did not finish, or that the client has approved. */
import { understandsItem } from "../../../src/providers/hosted-tools.ts";
import { createApprovedSegments, splitAtLastTurn } from "./journaled-turns.ts";
import type { LoopContext } from "./loop-context.ts";
import { rebuildTurn } from "./rebuild-turn.ts";
import type { PendingCalls } from "./run-tools.ts";

/** Journals the calls that the journal lacks. Undefined if no turn has calls yet. */
export async function findInterruptedCalls({
  budget,
  dependencies,
  journal,
  output,
  resolved,
  tools,
}: LoopContext): Promise<PendingCalls | undefined> {
  const items = output.completedItems();
  const isHosted = (type: string) => understandsItem(resolved.provider, type);
  const rebuilt = rebuildTurn(splitAtLastTurn(items, journal.turns).current, dependencies.serverTools.items, isHosted);
  if (rebuilt !== undefined) await journal.addRebuiltTurn(rebuilt);
  if (journal.turns.length === 0) {
    const segments = createApprovedSegments(tools, budget.callsLeft);
    if (segments.length === 0) return undefined;
    await journal.addTurn({ usage: null, segments });
  }
  return { loggedIds: new Set(items.map((item) => item.id)), openCall: undefined };
}
