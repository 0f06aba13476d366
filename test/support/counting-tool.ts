/**
 * A tool of two functions that counts its calls: `look` changes nothing, `change` does. Its items are an MCP server's.
 */
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import { newItemId } from "../../src/protocol/id.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type {
  CallPosition,
  ServerFunction,
  CallPresenter,
  ToolCall,
  ToolKind,
  ToolResult,
} from "../../workers/tools/tool.ts";

export interface CountingTool {
  kind: ToolKind;
  /** `<function> <value of the argument x>`, when a call began. */
  begun: string[];
  /** The peak number of parallel calls. */
  atOnce: number;
}

export const COUNTING_TOOL = { type: "mcp" as const, server_label: "counting", server_url: "http://127.0.0.1/" };

/** `asksFor` is a function whose calls need approval; `approved` are the arguments of its approved calls. */
export interface CountingOptions {
  asksFor?: string;
  approved?: readonly number[];
  /** A call of `change` waits for this before it takes effect. */
  acquirePermit?: NonNullable<ServerFunction["acquirePermit"]>;
}

export function countingTool(
  onBegin: (call: string) => Promise<void> | void = () => {},
  { asksFor, approved = [], acquirePermit }: CountingOptions = {},
): CountingTool {
  let running = 0;
  const tool: CountingTool = { begun: [], atOnce: 0, kind: { types: ["mcp"], open: () => Promise.resolve(open) } };
  const run = async ({ name, arguments: json }: ToolCall): Promise<ToolResult> => {
    const callText = `${name} ${String((JSON.parse(json) as { x: unknown }).x)}`;
    tool.begun.push(callText);
    running += 1;
    tool.atOnce = Math.max(tool.atOnce, running);
    await onBegin(callText);
    running -= 1;
    return { output: `${callText} is done`, isError: false, details: null };
  };
  const fn = (name: string, isReadOnly: boolean): ServerFunction => ({
    definition: { type: "function", name, parameters: { type: "object", properties: { x: { type: "integer" } } } },
    isReadOnly,
    itemType: "mcp_call",
    ...(name === asksFor && {
      createApprovalRequest: (call) => ({
        type: "mcp_approval_request",
        id: newItemId("mcp_approval_request"),
        server_label: "counting",
        name,
        arguments: call.arguments,
      }),
    }),
    presentCall: (position) => showCall(name, position),
    run,
  });
  const change = { ...fn("change", false), ...(acquirePermit !== undefined && { acquirePermit }) };
  const open = {
    functions: [fn("look", true), change],
    approved: approved.map((x) => ({ fn: change, arguments: JSON.stringify({ x }), approvalRequestId: `mcpr_${x}` })),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return tool;
}

function showCall(name: string, { itemId, output_index }: CallPosition): CallPresenter {
  const at = { output_index, item_id: itemId };
  let json = "";
  const item = (fields: Partial<Extract<OutputItem, { type: "mcp_call" }>>) =>
    ({ type: "mcp_call", id: itemId, server_label: "counting", name, arguments: json, ...fields }) as const;
  const of = (...events: ItemEventDraft[]) => events;
  return {
    open: () =>
      of(
        { type: "response.output_item.added", output_index, item: item({ status: "in_progress" }) },
        { type: "response.mcp_call.in_progress", ...at },
      ),
    delta: (delta) => of({ type: "response.mcp_call_arguments.delta", ...at, delta }),
    begin: (whole) => {
      json = whole;
      return of({ type: "response.mcp_call_arguments.done", ...at, arguments: whole });
    },
    end: ({ output, isError }) => {
      const text = typeof output === "string" ? output : JSON.stringify(output);
      const done = item({ status: isError ? "failed" : "completed", output: text });
      return of(
        { type: isError ? "response.mcp_call.failed" : "response.mcp_call.completed", ...at },
        { type: "response.output_item.done", output_index, item: done },
      );
    },
  };
}
