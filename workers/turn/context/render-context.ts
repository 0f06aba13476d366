/**
 * Renders items for a model. It sees the calls that this server executed as function calls with outputs, while clients
 * see the tools' own items. The same items and journal always give the same context, before a crash and after it.
 */
import type { ExecutedCall, ToolItemSet } from "../../tools/tool-items.ts";
import type { ContextItem } from "../../upstreams/upstream.ts";
import { truncateOutputs, turnOutputLimit } from "./truncate-output.ts";

type FunctionCall = Extract<ContextItem, { type: "function_call" }>;
type CallOutput = Extract<ContextItem, { type: "function_call_output" }>;
interface CallPair {
  kind: "pair";
  call: FunctionCall;
  output: CallOutput;
  turn: string;
}

export interface RenderOptions {
  tools: ToolItemSet;
  /** By the ids of the items that show the calls. */
  executed: ReadonlyMap<string, ExecutedCall>;
  /** Whether the provider understands items of this type. */
  isHosted: (type: string) => boolean;
  /** The whole conversation, if `items` are a part of it. */
  conversation?: readonly ContextItem[];
  /** The model's window in tokens, if it is known. */
  contextWindow?: number | undefined;
}

export function renderContext(items: readonly ContextItem[], options: RenderOptions): ContextItem[] {
  const context: ContextItem[] = [];
  let turn: CallPair[] = [];
  // Some providers accept parallel calls only if all calls come before all outputs.
  const flush = () => {
    for (const { call } of turn) context.push(call);
    const outputs = truncateOutputs(
      turn.map(({ output }) => output.output),
      turnOutputLimit(options.contextWindow),
    );
    for (const [index, { output }] of turn.entries()) context.push({ ...output, output: outputs[index]! });
    turn = [];
  };
  for (const item of items) {
    const rendered = renderItem(item, items, options);
    switch (rendered.kind) {
      case "hidden":
        break;
      case "item":
        flush();
        context.push(item);
        break;
      case "pair":
        if (turn.length > 0 && turn[0]!.turn !== rendered.turn) flush();
        turn.push(rendered);
    }
  }
  flush();
  return context;
}

function renderItem(
  item: ContextItem,
  items: readonly ContextItem[],
  { tools, executed, isHosted, conversation = items }: RenderOptions,
): { kind: "item" } | { kind: "hidden" } | CallPair {
  const executedCall = item.id == null ? undefined : executed.get(item.id);
  if (executedCall !== undefined) {
    const { call, result, turn } = executedCall;
    return createPair(turn, call.providerCallId ?? call.callId, { ...call, output: result.output });
  }
  const rendered = isHosted(item.type) ? undefined : tools.render(item, conversation);
  switch (rendered?.kind) {
    case undefined:
      return { kind: "item" };
    case "hidden":
      return rendered;
    case "call":
      return createPair(item.id ?? "", deriveCallId(item.id), rendered);
  }
}

function createPair(
  turn: string,
  call_id: string,
  { name, arguments: json, output }: Pick<FunctionCall, "name" | "arguments"> & Pick<CallOutput, "output">,
): CallPair {
  return {
    kind: "pair",
    turn,
    call: { type: "function_call", call_id, name, arguments: json },
    output: { type: "function_call_output", call_id, output },
  };
}

/** The call id of an item without a known one: the same for the same item, within the 64 characters of a call id. */
function deriveCallId(itemId: string | null | undefined): string {
  return `call_${(itemId ?? "").slice(-24)}`;
}
