/**
 * Presents a code interpreter call in the log. The code streams while the model writes it (contract.md#item-events).
 */
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { CallPosition, CallPresenter } from "../tool.ts";
import { type CellOutputs, readCellOutputs } from "./cell-result.ts";
import { JsonStringReader } from "./json-string-reader.ts";

type CodeCall = Extract<OutputItem, { type: "code_interpreter_call" }>;

/** The argument with the code. */
export const CODE_ARGUMENT = "code";

export function presentCodeCall(containerId: string, { itemId, output_index }: CallPosition): CallPresenter {
  const at = { output_index, item_id: itemId };
  const reader = new JsonStringReader(CODE_ARGUMENT);
  const item = (status: CodeCall["status"], outputs: CellOutputs | null): CodeCall => ({
    type: "code_interpreter_call",
    id: itemId,
    code: reader.text,
    container_id: containerId,
    outputs,
    status,
  });
  const codeDelta = (delta: string): ItemEventDraft[] =>
    delta === "" ? [] : [{ type: "response.code_interpreter_call_code.delta", ...at, delta }];
  return {
    open: () => [
      { type: "response.output_item.added", output_index, item: item("in_progress", null) },
      { type: "response.code_interpreter_call.in_progress", ...at },
    ],
    delta: (json) => codeDelta(reader.push(json)),
    begin: () => [
      ...codeDelta(reader.end()),
      { type: "response.code_interpreter_call_code.done", ...at, code: reader.text },
      { type: "response.code_interpreter_call.interpreting", ...at },
    ],
    end: (result) => {
      const status = result.isError ? "failed" : "completed";
      const done = {
        type: "response.output_item.done",
        output_index,
        item: item(status, readCellOutputs(result)),
      } as const;
      // A failed call has no event of its own.
      return result.isError ? [done] : [{ type: "response.code_interpreter_call.completed", ...at }, done];
    },
  };
}
