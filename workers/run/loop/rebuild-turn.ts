/**
 * Rebuilds a turn from the log. After Redis comes back from an older file, the log may be written again without the journal, so that
 * the log shows finished calls that no journaled turn has. They were executed, so they are not executed again. The model
 * sees what their items say.
 */
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { RecordedTurn, TurnSegment } from "../../../src/store/run-journals.ts";
import type { ToolItemSet } from "../../tools/tool-items.ts";
import { renderContext } from "../../turn/context/render-context.ts";

/** `items` are those after the journal's last turn. Undefined if none of them is a call. */
export function rebuildTurn(
  items: readonly OutputItem[],
  tools: ToolItemSet,
  isHosted: (type: string) => boolean,
): RecordedTurn | undefined {
  const calls = items.filter((item) => tools.isCall(item));
  const segments = calls.flatMap((item) =>
    renderContext([item], { tools, executed: new Map(), isHosted }).flatMap((shown): TurnSegment[] => {
      if (shown.type !== "function_call") return [];
      const { call_id: callId, name, arguments: json } = shown;
      return [{ kind: "call", call: { callId, name, arguments: json }, itemIds: [item.id] }];
    }),
  );
  return segments.length === 0 ? undefined : { usage: null, segments };
}
