/**
 * Calls that the log shows as over and no turn of the journal knows: Redis came back from an older file, and its log was
 * written again, but not its journal. They were made, so they are not made again; the model is shown of them what their
 * items say.
 */
import type { OutputItem } from "../../src/protocol/item.ts";
import type { RecordedTurn, TurnSegment } from "../../src/store/tool-journal.ts";
import type { ToolItemSet } from "../tools/tool-items.ts";
import { renderContext } from "../turn/context/render-context.ts";

/** `items` are those behind the journal's last turn. Undefined if nothing was lost. */
export function rebuildLostTurn(
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
